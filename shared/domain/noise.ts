// The noise that the judge assumes: each arm's error rate wobbles from minute to minute, and a bad minute is often followed by another.
import type { SegmentEvidence } from "./evidence.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";

/** Noise is taken as constant for this long. */
export const NOISE_MINUTE_MS = 60_000;

/** Assumed correlation of one minute's error rate with the next one's: a bad spell lasts some minutes. */
export const NOISE_PERSISTENCE = 0.7;

/**
 * Variance of the mean of the noise over a stretch, as a part of the variance of one minute. For n minutes of an AR(1) series with
 * correlation ρ it is (1/n)·[(1+ρ)/(1−ρ) − 2ρ(1−ρⁿ)/(n(1−ρ)²)] (Bayley and Hammersley 1946), and 1 up to a minute.
 */
export function noiseLeft(lengthMs: number): number {
  const minutes = Math.max(1, lengthMs / NOISE_MINUTE_MS);
  const rest = 1 - NOISE_PERSISTENCE;
  const ends = (2 * NOISE_PERSISTENCE * (1 - NOISE_PERSISTENCE ** minutes)) / (minutes * rest ** 2);
  return ((1 + NOISE_PERSISTENCE) / rest - ends) / minutes;
}

/** One number for the canary's share of all errors, one for the canary's own count. */
export interface ByTest {
  readonly ratio: number;
  readonly absolute: number;
}

/** How long the segments lasted, in milliseconds. */
export const elapsedOf = (segments: readonly SegmentEvidence[]): number =>
  segments.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);

/**
 * By how much the assumed noise inflates the variance of the counts of a stretch of `scaleMs`, beyond 1 (chance alone):
 * cv² × the errors that the border of the hypothesis allows in that time × what the stretch leaves of the noise.
 */
export function assumedExcess(
  policy: RolloutPolicy,
  segments: readonly SegmentEvidence[],
  scaleMs: number,
): ByTest {
  const { noise, margin, tolerance } = policy.judge.errors;
  const elapsedMs = Math.max(1, elapsedOf(segments));
  const lengthMs = Math.min(scaleMs, elapsedMs);
  const variance = noise ** 2 * (lengthMs / elapsedMs) * noiseLeft(lengthMs);
  let ratio = 0;
  let absolute = 0;
  for (const { canary, control } of segments) {
    absolute += tolerance * canary.requests;
    if (control === null || control.requests === 0) continue;
    const share = (margin * canary.requests) / (margin * canary.requests + control.requests);
    // Both arms wobble, each for itself: twice the variance.
    ratio += 2 * share * control.errors;
  }
  return { ratio: variance * ratio, absolute: variance * absolute };
}
