// A rollout in a made-up world: requests arrive, some fail, the real judge looks, the real rules act. No time passes.
import { type Outcome, type PlayOptions, playRollout } from "../../../shared/domain/played-rollout.ts";
import type { Random } from "../../../shared/domain/random.ts";
import type { RolloutPolicy } from "../../../shared/domain/rollout-policy.ts";

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

/** Plays one rollout of this world. */
export function simulateRollout(
  policy: RolloutPolicy,
  world: World,
  random: Random,
  options: PlayOptions = {},
): Outcome {
  const { lookMs } = policy.judge;
  const factor = { canary: noiseFactors(world.noise, random), control: noiseFactors(world.noise, random) };
  const arrivals = (share: number, rate: number): { requests: number; errors: number } => {
    const mean = (world.requestsPerSecond * share * lookMs) / 1_000;
    const requests =
      mean > 50 ? Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal())) : random.poisson(mean);
    return {
      requests,
      errors: Math.min(requests, random.poisson(requests * Math.min(rate, ERROR_RATE_MAX))),
    };
  };
  return playRollout(
    policy,
    ({ nowMs, step, weight }) => {
      const minute = Math.floor((nowMs - 1) / MINUTE_MS);
      const canaryRate = world.canaryErrorRate(nowMs - lookMs / 2, step) * factor.canary(minute);
      const canary = arrivals(weight / 100, canaryRate);
      const control = arrivals(1 - weight / 100, world.controlErrorRate * factor.control(minute));
      return { canary, control };
    },
    options,
  );
}
