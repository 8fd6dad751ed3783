// The planner: how long a rollout takes to prove harmlessness at today's traffic, told before it starts.
import type { SegmentEvidence } from "./evidence.ts";
import { judge } from "./judge.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";
import { stepAdvice } from "./step-advice.ts";

/** What is known about the traffic. */
export interface TrafficForecast {
  /** Canary requests a second at each step of the policy, in order; the control gets the rest by weight. */
  readonly canaryRequestsPerSecond: readonly number[];
  /** Error rate of both arms when nothing is wrong, 0 to 1. */
  readonly errorRate: number;
}

/** What one step is expected to take. */
export interface PlannedStep {
  /** The canary's share of the traffic, in percent. */
  readonly weight: number;
  readonly seconds: number;
  readonly canaryRequests: number;
}

/** When *pass* is to be expected, or why it is not. `steps` are those that are reached. */
export type TimeToVerdict =
  | {
      readonly kind: "provable";
      readonly seconds: number;
      readonly canaryRequests: number;
      readonly steps: readonly PlannedStep[];
    }
  | {
      readonly kind: "not-provable";
      readonly reason: string;
      readonly remedy: string;
      readonly steps: readonly PlannedStep[];
    };

/** Most looks that are played; longer time limits are played with looks further apart. */
const LOOKS_MAX = 4_000;

/**
 * Plays the rollout with exactly the expected counts and the real rules, so it answers about the median time of a healthy
 * rollout. "Cannot be proven today" when the time limit comes first. Invalid forecasts count as no traffic.
 */
export function timeToVerdict(policy: RolloutPolicy, forecast: TrafficForecast): TimeToVerdict {
  const lookMs = Math.max(policy.judge.lookMs, Math.ceil(policy.timeLimitMs / LOOKS_MAX));
  const errorRate = Math.min(1, Math.max(0, forecast.errorRate || 0));
  const segments: SegmentEvidence[] = [];
  const steps: PlannedStep[] = [];
  let step = 0;
  let fromMs = 0;
  for (let nowMs = lookMs; nowMs <= policy.timeLimitMs; nowMs += lookMs) {
    const weight = policy.steps[step] ?? 0;
    const rate = Math.max(0, forecast.canaryRequestsPerSecond[step] || 0);
    const requests = (rate * (nowMs - fromMs)) / 1_000;
    steps[step] = { weight, seconds: (nowMs - fromMs) / 1_000, canaryRequests: Math.round(requests) };
    segments[step] = {
      step,
      fromMs,
      toMs: nowMs,
      weight,
      canary: expected(requests, errorRate),
      control: expected((requests * (100 - weight)) / weight, errorRate),
    };
    const evidence = { mode: "compare" as const, segments, windows: [] };
    const look = judge(policy, evidence);
    if (look.verdict === "refused") break;
    const { action } = stepAdvice(policy, evidence, look);
    if (action === "promote")
      return { kind: "provable", seconds: nowMs / 1_000, canaryRequests: canaryRequestsOf(steps), steps };
    if (action === "advance") {
      step += 1;
      fromMs = nowMs;
    }
  }
  const { tolerance, unacceptable } = policy.judge.errors;
  const minutes = Number((policy.timeLimitMs / 60_000).toFixed(1));
  const asked = `less than ${unacceptable} × the control's error rate, or less than ${100 * tolerance} %`;
  return {
    kind: "not-provable",
    reason: `Cannot be proven today: ${minutes} minutes and ${canaryRequestsOf(steps)} canary requests do not show ${asked}.`,
    remedy: "Raise the weights of the steps, timeLimit, judge.errors.tolerance or judge.errors.unacceptable.",
    steps,
  };
}

const canaryRequestsOf = (steps: readonly PlannedStep[]): number =>
  steps.reduce((sum, { canaryRequests }) => sum + canaryRequests, 0);

const expected = (requests: number, errorRate: number): SegmentEvidence["canary"] => ({
  requests,
  errors: requests * errorRate,
  state: errorRate > 0 ? "errors" : "no-errors",
});
