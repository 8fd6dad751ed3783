import { describe, expect, it } from "vitest";
import { canaryRates, planRemedies } from "../../shared/domain/plan-remedies.ts";
import { resolvePolicy, ROLLOUT_POLICY_DEFAULTS } from "../../shared/domain/rollout-policy.ts";
import { timeToVerdict } from "../../shared/domain/time-to-verdict.ts";
import { withErrors } from "./judged-counts.ts";

const THIN = { requestsPerSecond: 0.2, errorRate: 0 };

describe("remedies for a rollout that cannot be proven", () => {
  it("are changes that the planner itself finds provable", () => {
    const remedies = planRemedies(ROLLOUT_POLICY_DEFAULTS, THIN);
    expect(remedies.length).toBeGreaterThan(0);
    const limit = remedies.find(({ change }) => change.startsWith("timeLimit: "))?.change.slice(11);
    const resolved = resolvePolicy({ timeLimit: limit });
    if (resolved.kind !== "policy") throw new Error(`${limit} is no time limit`);
    const canaryRequestsPerSecond = canaryRates(resolved.policy, THIN.requestsPerSecond);
    expect(timeToVerdict(resolved.policy, { canaryRequestsPerSecond, errorRate: 0 }).kind).toBe("provable");
  });

  it("name a tolerance where both arms fail more often than it", () => {
    const policy = { ...withErrors({ unacceptable: 1.25 }), timeLimitMs: 1_200_000 };
    const remedies = planRemedies(policy, { requestsPerSecond: 5, errorRate: 0.01 });
    expect(remedies.map(({ change }) => change).join()).toContain("judge.errors.tolerance: ");
  });

  it("are none without traffic", () => {
    expect(planRemedies(ROLLOUT_POLICY_DEFAULTS, { requestsPerSecond: 0, errorRate: 0 })).toEqual([]);
  });
});

describe("the plan of a rollout", () => {
  it("tells each step's time and requests, which add up to the whole", () => {
    const plan = timeToVerdict(ROLLOUT_POLICY_DEFAULTS, {
      canaryRequestsPerSecond: canaryRates(ROLLOUT_POLICY_DEFAULTS, 20),
      errorRate: 0,
    });
    if (plan.kind !== "provable") throw new Error(plan.reason);
    expect(plan.steps.map(({ weight }) => weight)).toEqual([5, 25, 50]);
    expect(plan.steps.reduce((sum, { seconds }) => sum + seconds, 0)).toBe(plan.seconds);
    expect(plan.steps.reduce((sum, step) => sum + step.canaryRequests, 0)).toBe(plan.canaryRequests);
    expect(plan.steps[0]?.seconds).toBe(200);
  });
});
