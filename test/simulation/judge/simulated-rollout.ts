// A rollout in a made-up world: requests arrive, some fail, the real judge looks, the real rules act. No time passes.
import type { SegmentEvidence, WindowCounts } from "../../../shared/domain/evidence.ts";
import { judge } from "../../../shared/domain/judge.ts";
import type { RolloutPolicy } from "../../../shared/domain/rollout-policy.ts";
import { stepAdvice } from "../../../shared/domain/step-advice.ts";
import type { Random } from "./random.ts";

/** Noise of the error rates: a lognormal factor an arm and minute, of mean 1. */
export interface Noise {
  /** Coefficient of variation. */
  readonly cv: number;
  /** Correlation of one minute's factor with the next one's, in logarithms. */
  readonly persistence: number;
}

/** The world around a rollout. */
export interface World {
  /** Requests a second over both arms. */
  readonly requestsPerSecond: number;
  readonly controlErrorRate: number;
  /** The canary's own error rate at a time since the start and a step. */
  readonly canaryErrorRate: (elapsedMs: number, step: number) => number;
  readonly noise: Noise;
}

/** How a rollout ended. `watched`: it was told to go on and nothing was proven against the canary. */
export interface Outcome {
  readonly end: "promoted" | "rolled-back" | "inconclusive" | "watched";
  readonly elapsedMs: number;
  readonly step: number;
  readonly canaryErrors: number;
  readonly canaryRequests: number;
}

/** How to run it: `watch` ignores *pass* and stays at the last step until the time limit. */
export interface Options {
  readonly watch?: boolean;
}

const MINUTE_MS = 60_000;
/** No noise makes an error rate higher than this. */
const ERROR_RATE_MAX = 0.999;

/** Factors by which one arm's error rate is multiplied, minute by minute. */
function noiseFactors({ cv, persistence }: Noise, random: Random): (minute: number) => number {
  const sigma = Math.sqrt(Math.log1p(cv ** 2));
  let current = -1;
  let level = 0;
  return (minute) => {
    for (; current < minute; current += 1) {
      level =
        current < 0
          ? random.normal()
          : persistence * level + Math.sqrt(1 - persistence ** 2) * random.normal();
    }
    return sigma === 0 ? 1 : Math.exp(sigma * level - sigma ** 2 / 2);
  };
}

/** Plays one rollout from its first step to its end. Scrapes and looks come every `lookMs`. */
export function simulateRollout(
  policy: RolloutPolicy,
  world: World,
  random: Random,
  options: Options = {},
): Outcome {
  const { lookMs, windowMs } = policy.judge;
  const factor = { canary: noiseFactors(world.noise, random), control: noiseFactors(world.noise, random) };
  const segments: SegmentEvidence[] = [];
  const windows: WindowCounts[] = [];
  const total = { requests: 0, errors: 0 };
  const outcome = (end: Outcome["end"], elapsedMs: number, step: number): Outcome => ({
    end,
    elapsedMs,
    step,
    canaryErrors: total.errors,
    canaryRequests: total.requests,
  });
  const arrivals = (share: number, rate: number): { requests: number; errors: number } => {
    const mean = (world.requestsPerSecond * share * lookMs) / 1_000;
    const requests =
      mean > 50 ? Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal())) : random.poisson(mean);
    return {
      requests,
      errors: Math.min(requests, random.poisson(requests * Math.min(rate, ERROR_RATE_MAX))),
    };
  };
  let step = 0;
  let fromMs = 0;
  for (let nowMs = lookMs; nowMs <= policy.timeLimitMs; nowMs += lookMs) {
    const weight = policy.steps[step] ?? 0;
    const minute = Math.floor((nowMs - 1) / MINUTE_MS);
    const canaryRate = world.canaryErrorRate(nowMs - lookMs / 2, step) * factor.canary(minute);
    const canary = arrivals(weight / 100, canaryRate);
    const control = arrivals(1 - weight / 100, world.controlErrorRate * factor.control(minute));
    total.requests += canary.requests;
    total.errors += canary.errors;
    const before = segments[step];
    segments[step] = {
      step,
      fromMs,
      toMs: nowMs,
      weight,
      canary: {
        requests: canary.requests + (before?.canary.requests ?? 0),
        errors: canary.errors + (before?.canary.errors ?? 0),
        state: "errors",
      },
      control: {
        requests: control.requests + (before?.control?.requests ?? 0),
        errors: control.errors + (before?.control?.errors ?? 0),
        state: "errors",
      },
    };
    const index = Math.floor((nowMs - lookMs / 2 - fromMs) / windowMs);
    windows.push({ segment: step, index, canary, control });
    const evidence = { mode: "compare" as const, segments, windows };
    const look = judge(policy, evidence);
    if (look.verdict === "refused")
      throw new Error(`The simulated counts were refused: ${JSON.stringify(look.problems)}`);
    const { action } = stepAdvice(policy, evidence, look);
    if (action === "roll-back") return outcome("rolled-back", nowMs, step);
    if (action === "promote" && options.watch !== true) return outcome("promoted", nowMs, step);
    if (action === "advance") {
      step += 1;
      fromMs = nowMs;
    }
  }
  return outcome(options.watch === true ? "watched" : "inconclusive", policy.timeLimitMs, step);
}
