import { describe, expect, it } from "vitest";
import type { Evidence } from "../../shared/domain/evidence.ts";
import { ROLLOUT_POLICY_DEFAULTS } from "../../shared/domain/rollout-policy.ts";
import { stepAdvice } from "../../shared/domain/step-advice.ts";
import { timeToVerdict } from "../../shared/domain/time-to-verdict.ts";
import { evidenceOf, judged, type Pair } from "./judged-counts.ts";

describe("advice for a step", () => {
  const advise = (evidence: Evidence, policy = ROLLOUT_POLICY_DEFAULTS) =>
    stepAdvice(policy, evidence, judged(evidence, policy));
  const clean = (requests: number): readonly [Pair, Pair] => [
    [requests, 0],
    [requests * 3, 0],
  ];

  it("advances on the minimums, without proof, below the last step", () => {
    expect(advise(evidenceOf([clean(200)])).action).toBe("advance");
    expect(advise(evidenceOf([clean(199)]))).toEqual({
      action: "wait",
      reason: "This step needs 1 more canary requests.",
    });
    const policy = { ...ROLLOUT_POLICY_DEFAULTS, step: { minSeconds: 61, minRequests: 0 } };
    expect(advise(evidenceOf([clean(200)]), policy).action).toBe("wait");
  });

  it("asks for proof at every step where the policy says so, and always at the last", () => {
    expect(advise(evidenceOf([clean(200)]), { ...ROLLOUT_POLICY_DEFAULTS, advanceOn: "pass" }).action).toBe(
      "wait",
    );
    const last = evidenceOf([clean(100), clean(100), clean(250)]);
    expect(advise(last)).toEqual({ action: "wait", reason: "This step needs proof of harmlessness." });
    expect(advise(evidenceOf([clean(200), clean(200), clean(200)])).action).toBe("promote");
  });

  it("goes back on fail before anything else", () => {
    expect(
      advise(
        evidenceOf([
          [
            [20, 20],
            [380, 0],
          ],
        ]),
      ).action,
    ).toBe("roll-back");
  });
});

describe("time to verdict", () => {
  it("is the sum of the steps' minimums when traffic is plenty", () => {
    const plan = timeToVerdict(ROLLOUT_POLICY_DEFAULTS, {
      canaryRequestsPerSecond: [25, 125, 250],
      errorRate: 0.01,
    });
    expect(plan).toMatchObject({ kind: "provable", seconds: 180 });
  });

  it("grows when traffic is thin", () => {
    const plan = timeToVerdict(ROLLOUT_POLICY_DEFAULTS, {
      canaryRequestsPerSecond: [0.5, 2.5, 5],
      errorRate: 0,
    });
    if (plan.kind !== "provable") throw new Error(plan.reason);
    expect(plan.seconds).toBeGreaterThan(400);
    expect(plan.canaryRequests).toBeGreaterThanOrEqual(530);
  });

  it("says that it cannot be proven today, and what would help", () => {
    for (const canaryRequestsPerSecond of [[0.01, 0.05, 0.1], [], [Number.NaN, 1, 1]]) {
      const plan = timeToVerdict(ROLLOUT_POLICY_DEFAULTS, { canaryRequestsPerSecond, errorRate: 0.01 });
      if (plan.kind !== "not-provable") throw new Error("That little traffic proves nothing.");
      expect(plan.reason).toMatch(/^Cannot be proven today: 60 minutes/);
      expect(plan.remedy).toContain("timeLimit");
    }
  });
});
