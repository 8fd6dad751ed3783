// The judge's promises, measured on seeded rollouts. `bench/judge-calibration.ts` measures them on many more.
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../shared/domain/played-rollout.ts";
import { createRandom } from "../../../shared/domain/random.ts";
import {
  resolvePolicy,
  ROLLOUT_POLICY_DEFAULTS,
  type RolloutPolicy,
} from "../../../shared/domain/rollout-policy.ts";
import { timeToVerdict } from "../../../shared/domain/time-to-verdict.ts";
import { drawTrial } from "./fault-suite.ts";
import { type Noise, simulateRollout, type World } from "./simulated-rollout.ts";

const QUIET: Noise = { cv: 0, persistence: 0 };

function play(count: number, policy: RolloutPolicy, world: World): readonly Outcome[] {
  return Array.from({ length: count }, (_, seed) => simulateRollout(policy, world, createRandom(seed)));
}

const world = (
  requestsPerSecond: number,
  controlErrorRate: number,
  canaryErrorRate: number,
  noise = QUIET,
): World => ({
  requestsPerSecond,
  controlErrorRate,
  canaryErrorRate: () => canaryErrorRate,
  noise,
});

const count = (outcomes: readonly Outcome[], end: Outcome["end"]): number =>
  outcomes.filter((outcome) => outcome.end === end).length;

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[numbers.length >> 1] ?? Number.NaN;
}

const medianSeconds = (outcomes: readonly Outcome[]): number =>
  median(outcomes.map(({ elapsedMs }) => elapsedMs / 1_000));

/** The quick policy of the demonstration: one-second looks, five seconds a step. */
function quickPolicy(): RolloutPolicy {
  const resolved = resolvePolicy({
    step: { minSeconds: 5, minRequests: 40 },
    timeLimit: "2m",
    judge: { window: "1s", look: "1s", scrape: "1s" },
  });
  if (resolved.kind === "invalid") throw new Error(JSON.stringify(resolved.problems));
  return resolved.policy;
}

describe("the judge at its default policy", () => {
  it("rolls back at most 1 % of harmless canaries at a noise of up to cv 0.3", () => {
    for (const cv of [0, 0.2, 0.3]) {
      const outcomes = play(400, ROLLOUT_POLICY_DEFAULTS, world(500, 0.01, 0.01, { cv, persistence: 0 }));
      expect(
        count(outcomes, "rolled-back") + count(outcomes, "inconclusive"),
        `cv ${cv}`,
      ).toBeLessThanOrEqual(4);
    }
  });

  it("rolls back at most 1 % of harmless canaries where a bad minute is often followed by another", () => {
    const noise: Noise = { cv: 0.3, persistence: 0.7 };
    const outcomes = play(600, ROLLOUT_POLICY_DEFAULTS, world(500, 0.03, 0.03, noise));
    expect(count(outcomes, "rolled-back")).toBeLessThanOrEqual(6);
  });

  it("promotes at most 5 % of canaries exactly at the border of the unacceptable", () => {
    const policy = { ...ROLLOUT_POLICY_DEFAULTS, timeLimitMs: 300_000 };
    for (const [control, canary] of [
      [0.01, 0.02],
      [0.005, 0.01],
      [0, 0.01],
    ] as const) {
      const outcomes = play(150, policy, world(500, control, canary));
      expect(count(outcomes, "promoted"), `${control} and ${canary}`).toBeLessThanOrEqual(7);
    }
  });

  it("sees 1 % turn into 10 % within 30 s at 5 canary requests a second, at the median", () => {
    const outcomes = play(300, ROLLOUT_POLICY_DEFAULTS, world(100, 0.01, 0.1));
    expect(count(outcomes, "rolled-back")).toBe(300);
    expect(medianSeconds(outcomes)).toBeLessThanOrEqual(30);
  });

  it("finds at least 99.8 % of a mixed suite of faults, and 95 % of its rollbacks are right", () => {
    let [caught, missed, wrong] = [0, 0, 0];
    for (let seed = 0; seed < 2_500; seed += 1) {
      const random = createRandom(seed);
      const trial = drawTrial(random);
      const { end } = simulateRollout(ROLLOUT_POLICY_DEFAULTS, trial.world, random);
      if (!trial.faulty) wrong += end === "promoted" ? 0 : 1;
      else if (end === "promoted") missed += 1;
      else caught += 1;
    }
    expect(caught + missed).toBeGreaterThan(1_100);
    expect(caught / (caught + missed)).toBeGreaterThanOrEqual(0.998);
    expect(caught / (caught + wrong)).toBeGreaterThanOrEqual(0.95);
  });
});

describe("the quick policy of the demonstration", () => {
  it("promotes a clean version 15 to 18 s after its start at 200 requests a second", () => {
    const outcomes = play(200, quickPolicy(), world(200, 0, 0));
    expect(count(outcomes, "promoted")).toBe(200);
    for (const { elapsedMs } of outcomes) expect(elapsedMs).toBeLessThanOrEqual(18_000);
  });

  it("rolls a version with 10 % errors back within 10 s, nearly always", () => {
    const outcomes = play(500, quickPolicy(), world(200, 0, 0.1));
    expect(count(outcomes, "rolled-back")).toBe(500);
    expect(outcomes.filter(({ elapsedMs }) => elapsedMs <= 10_000).length).toBeGreaterThanOrEqual(490);
  });
});

describe("the planner", () => {
  it("foretells the median time of simulated rollouts to a third", () => {
    for (const [requestsPerSecond, errorRate] of [
      [20, 0],
      [40, 0.005],
      [100, 0.01],
      [500, 0.01],
    ] as const) {
      const canaryRequestsPerSecond = ROLLOUT_POLICY_DEFAULTS.steps.map(
        (weight) => (requestsPerSecond * weight) / 100,
      );
      const plan = timeToVerdict(ROLLOUT_POLICY_DEFAULTS, { canaryRequestsPerSecond, errorRate });
      if (plan.kind !== "provable") throw new Error(plan.reason);
      const played = medianSeconds(
        play(60, ROLLOUT_POLICY_DEFAULTS, world(requestsPerSecond, errorRate, errorRate)),
      );
      expect(
        plan.seconds / played,
        `${requestsPerSecond}/s at ${errorRate}: ${plan.seconds} and ${played}`,
      ).toBeGreaterThan(2 / 3);
      expect(plan.seconds / played).toBeLessThan(3 / 2);
    }
  });
});
