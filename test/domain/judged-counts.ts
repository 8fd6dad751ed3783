// Evidence written as plain counts, for the tests of the judge and of what rests on it.
import type { ArmCounts } from "../../shared/domain/e-value.ts";
import type { Evidence, WindowCounts } from "../../shared/domain/evidence.ts";
import { judge, type Judgement } from "../../shared/domain/judge.ts";
import { ROLLOUT_POLICY_DEFAULTS, type RolloutPolicy } from "../../shared/domain/rollout-policy.ts";

/** Counts of one arm. */
export type Pair = readonly [requests: number, errors: number];
/** The pair as counts. */
export const counts = ([requests, errors]: Pair): ArmCounts => ({ requests, errors });

/** Evidence of one segment of 60 s a step: canary and control counts in the order of the steps. */
export function evidenceOf(
  steps: readonly (readonly [canary: Pair, control: Pair | null])[],
  windows: readonly WindowCounts[] = [],
): Evidence {
  const segments = steps.map(([canary, control], step) => ({
    step,
    fromMs: step * 60_000,
    toMs: (step + 1) * 60_000,
    weight: 5,
    canary: { ...counts(canary), state: "errors" as const },
    control: control === null ? null : { ...counts(control), state: "errors" as const },
  }));
  return { mode: steps[0]?.[1] === null ? "first" : "compare", segments, windows };
}

/** The judgement of these counts; throws when they are refused. */
export function judged(evidence: Evidence, policy: RolloutPolicy = ROLLOUT_POLICY_DEFAULTS): Judgement {
  const look = judge(policy, evidence);
  if (look.verdict === "refused") throw new Error(JSON.stringify(look.problems));
  return look;
}

/** The default policy with other error rates. */
export const withErrors = (errors: Partial<RolloutPolicy["judge"]["errors"]>): RolloutPolicy => ({
  ...ROLLOUT_POLICY_DEFAULTS,
  judge: { ...ROLLOUT_POLICY_DEFAULTS.judge, errors: { ...ROLLOUT_POLICY_DEFAULTS.judge.errors, ...errors } },
});

/** The fewest clean canary requests that pass, by bisection. */
export function cleanRequestsToPass(policy: RolloutPolicy, control: Pair | null): number {
  let [low, high] = [0, 100_000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (judged(evidenceOf([[[middle, 0], control]]), policy).verdict === "pass") high = middle;
    else low = middle;
  }
  return high;
}
