// Evidence against one hypothesis as a bet: an E value of 20 says that a bettor who would, on average, gain nothing if
// the hypothesis were true has multiplied the stake by 20. Everything is in natural logarithms.
import { logBeta, logBetaAbove, logBetaBelow } from "./beta.ts";

/** Requests that one arm answered, and how many of them with an error. */
export interface ArmCounts {
  readonly requests: number;
  readonly errors: number;
}

/** Weight of the mixture's prior, in events: small, so that the data soon outweigh it. */
const PRIOR_EVENTS = 10;

/** A Beta distribution that is cut off at the border of the hypothesis. */
interface Prior {
  readonly a: number;
  readonly b: number;
}

/**
 * ln E of `hits` and `misses` against "the chance of a hit is `border`", with a Beta mixture over the chances on one side of it:
 * E = B(a+h, b+m)·P_side(a+h, b+m) / (B(a, b)·P_side(a, b)·border^h·(1−border)^m). The likelihood ratio is monotone in
 * the hits, hence it holds against the whole other side too (Karlin and Rubin), at every look (Ville's inequality).
 */
function logMixture(
  hits: number,
  misses: number,
  border: number,
  prior: Prior,
  side: "above" | "below",
): number {
  if (hits === 0 && misses === 0) return 0;
  const logSide = side === "above" ? logBetaAbove : logBetaBelow;
  const { a, b } = prior;
  const mixed = logBeta(a + hits, b + misses) + logSide(border, a + hits, b + misses);
  const start = logBeta(a, b) + logSide(border, a, b);
  return mixed - start - hits * Math.log(border) - misses * Math.log1p(-border);
}

const centred = (border: number): Prior => ({ a: PRIOR_EVENTS * border, b: PRIOR_EVENTS * (1 - border) });

/**
 * ln E of one stretch of constant weights against "canary's error rate ≤ margin × control's" (`above`) or "≥" (`below`).
 * Given that an error happened, it is the canary's with probability ρ = m·n_c / (m·n_c + n_b) at the border; exposures come
 * from counters, not from configured weights. Without requests on both arms there is nothing to compare: 0.
 */
export function logRatioE(
  canary: ArmCounts,
  control: ArmCounts,
  margin: number,
  side: "above" | "below",
): number {
  if (canary.requests <= 0 || control.requests <= 0) return 0;
  const border = (margin * canary.requests) / (margin * canary.requests + control.requests);
  return logMixture(canary.errors, control.errors, border, centred(border), side);
}

/** ln E against "the error rate is at most `tolerance`", a rate in (0, 1). Weights do not matter: counts may be pooled. */
export function logAboveToleranceE(arm: ArmCounts, tolerance: number): number {
  return logMixture(arm.errors, arm.requests - arm.errors, tolerance, centred(tolerance), "above");
}

/** ln E against "the error rate is at least `tolerance`", with a uniform mixture below it: about 530 clean requests prove 1 % at 1 in 20 when halved. */
export function logBelowToleranceE(arm: ArmCounts, tolerance: number): number {
  return logMixture(arm.errors, arm.requests - arm.errors, tolerance, { a: 1, b: 1 }, "below");
}

/** ln of the mean of E values given as logarithms; at least one. */
export function logMeanE(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - largest);
  return largest + Math.log(sum / logs.length);
}

/** Larger E values are reported as this: facts hold finite numbers only. */
export const E_VALUE_MAX = 1e300;

/** The E value itself, for people and facts. */
export function eValue(logE: number): number {
  return Math.min(Math.exp(logE), E_VALUE_MAX);
}
