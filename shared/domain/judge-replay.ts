// What would this policy have done? Replays healthy traffic as rollouts of a version against itself, and a recorded rollout as it was.
import { logBetaBelow } from "./beta.ts";
import type { ArmCounts } from "./e-value.ts";
import { type Arms, gatherEvidence, segmentsOf } from "./evidence.ts";
import { judge } from "./judge.ts";
import { type Outcome, playRollout } from "./played-rollout.ts";
import type { Random } from "./random.ts";
import type { Recording } from "./recording.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";
import { stepAdvice } from "./step-advice.ts";

/** Most rollouts of one replay. */
export const REPLAYED_ROLLOUTS_MAX = 100_000;
/** Looks at a recorded rollout. */
export const REPLAYED_LOOKS_MAX = 20_000;
/** Canary and control come from times that are at the most this far apart, so that a day's course does not count as noise. */
export const REPLAY_DISTANCE_MS_MAX = 3_600_000;
/** Chance that the true rate is beyond the bound that is told beside the measured one. */
const BOUND_ALPHA = 0.05;

/** How replayed rollouts of one kind ended. */
export interface Replayed {
  readonly rollouts: number;
  readonly rolledBack: number;
  readonly promoted: number;
  readonly undecided: number;
  /** Seconds to the end that is right for the kind, median and nine in ten; undefined when none ended so. */
  readonly medianSeconds: number | undefined;
  readonly ninetiethSeconds: number | undefined;
}

/** Which fault replayed canaries have: errors so many times those of the control, or of the tolerance where that is more. */
export interface ReplayOptions {
  readonly rollouts: number;
  readonly random: Random;
  readonly fault?: number;
}

function summary(outcomes: readonly Outcome[], right: Outcome["end"]): Replayed {
  const count = (end: Outcome["end"]): number => outcomes.filter((outcome) => outcome.end === end).length;
  const seconds = outcomes
    .filter(({ end }) => end === right)
    .map(({ elapsedMs }) => elapsedMs / 1_000)
    .toSorted((one, other) => one - other);
  return {
    rollouts: outcomes.length,
    rolledBack: count("rolled-back"),
    promoted: count("promoted"),
    undecided: count("inconclusive"),
    medianSeconds: seconds[Math.floor(seconds.length / 2)],
    ninetiethSeconds: seconds[Math.floor(seconds.length * 0.9)],
  };
}

/** The policy as it looks at windows of this length: it cannot look more often than the recording was read. */
export function policyAt(policy: RolloutPolicy, lookMs: number): RolloutPolicy {
  return { ...policy, judge: { ...policy.judge, lookMs, windowMs: Math.max(policy.judge.windowMs, lookMs) } };
}

const thinned = ({ requests, errors }: ArmCounts, share: number, random: Random): ArmCounts => {
  const failed = random.binomial(errors, share);
  return { requests: failed + random.binomial(requests - errors, share), errors: failed };
};

/**
 * Rollouts of a version against itself. The canary gets its share of one time of the recording, the control the rest of another
 * time: each request goes one way or the other by chance, so the counts keep exactly the noise that was recorded, and
 * every wobble counts as the arm's own. `windows` follow each other every `policy.judge.lookMs`. A rollout ends undecided
 * when the recording does.
 */
export function replayHealthy(
  policy: RolloutPolicy,
  windows: readonly ArmCounts[],
  { rollouts, random, fault }: ReplayOptions,
): Replayed {
  const { length } = windows;
  const { lookMs, errors: limits } = policy.judge;
  const farthest = Math.max(1, Math.min(length - 1, Math.floor(REPLAY_DISTANCE_MS_MAX / lookMs)));
  const requests = windows.reduce((sum, window) => sum + window.requests, 0);
  const rate = windows.reduce((sum, window) => sum + window.errors, 0) / Math.max(1, requests);
  const faulty = fault === undefined ? rate : Math.min(1, fault * Math.max(rate, limits.tolerance));
  /** Chance that a request that was answered well fails now, so that `faulty` of all do. */
  const broken = Math.max(0, (faulty - rate) / Math.max(1e-9, 1 - rate));
  const limited = { ...policy, timeLimitMs: Math.min(policy.timeLimitMs, length * lookMs) };
  const at = (index: number): ArmCounts => windows[index % length] ?? { requests: 0, errors: 0 };
  const outcomes = Array.from({ length: rollouts }, () => {
    const from = Math.floor(random.uniform() * length);
    const apart = 1 + Math.floor(random.uniform() * farthest);
    return playRollout(limited, ({ nowMs, weight }) => {
      const index = from + Math.round(nowMs / lookMs) - 1;
      const canary = thinned(at(index), weight / 100, random);
      const more = fault === undefined ? 0 : random.binomial(canary.requests - canary.errors, broken);
      const control = thinned(at(index + apart), 1 - weight / 100, random);
      return { canary: { ...canary, errors: canary.errors + more }, control };
    });
  });
  return summary(outcomes, fault === undefined ? "promoted" : "rolled-back");
}

/**
 * The highest rate that is still believable (one-sided 95 %, Clopper and Pearson 1934) after a share of `independent` rollouts was
 * wrong. Replays of one recording overlap: only as many count as fit into it beside each other.
 */
export function rateBound(share: number, independent: number): number {
  const wrong = share * independent;
  if (independent < 1 || wrong >= independent) return 1;
  let [low, high] = [0, 1];
  for (let halving = 0; halving < 50; halving += 1) {
    const middle = (low + high) / 2;
    if (middle > 0 && Math.exp(logBetaBelow(middle, wrong + 1, independent - wrong)) < 1 - BOUND_ALPHA)
      low = middle;
    else high = middle;
  }
  return high;
}

/** What the policy would have done with a recorded rollout. */
export interface ReplayedRollout {
  readonly end: "promoted" | "rolled-back" | "undecided" | "unreadable";
  /** Seconds since the canary's first traffic. */
  readonly seconds: number;
  readonly sentence: string;
}

/** Looks at a recorded rollout as the policy would have, every `lookMs`, at the weights that it had. */
export function replayRollout(
  policy: RolloutPolicy,
  arms: Arms,
  { samples, moves }: Recording,
  untilMs: number,
): ReplayedRollout | undefined {
  const whole = segmentsOf(arms, moves, policy.steps, untilMs);
  const startMs = whole[0]?.fromMs;
  const endMs = whole.at(-1)?.toMs;
  if (startMs === undefined || endMs === undefined) return undefined;
  const { windowMs } = policy.judge;
  const lookMs = Math.max(policy.judge.lookMs, Math.ceil((endMs - startMs) / REPLAYED_LOOKS_MAX));
  let last: ReplayedRollout | undefined;
  for (let nowMs = Math.min(startMs + lookMs, endMs); ; nowMs = Math.min(nowMs + lookMs, endMs)) {
    const seconds = (nowMs - startMs) / 1_000;
    const seen = samples.filter(({ timeMs }) => timeMs <= nowMs);
    const gathered = gatherEvidence(arms, segmentsOf(arms, moves, policy.steps, nowMs), seen, windowMs);
    const look = gathered.kind === "refused" ? undefined : judge(policy, gathered.evidence);
    if (gathered.kind === "refused" || look === undefined || look.verdict === "refused")
      return { end: "unreadable", seconds, sentence: "The recorded counters cannot be believed." };
    const { action } = stepAdvice(policy, gathered.evidence, look);
    if (action === "roll-back") return { end: "rolled-back", seconds, sentence: look.sentence };
    if (action === "promote") return { end: "promoted", seconds, sentence: look.sentence };
    last = { end: "undecided", seconds, sentence: look.sentence };
    if (nowMs >= endMs) return last;
  }
}
