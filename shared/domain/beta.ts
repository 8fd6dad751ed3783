// The Beta function and its regularised incomplete integral, in logarithms, so that neither a million clean requests
// nor a burst of errors leaves the range of a double.

const HALF_LOG_TWO_PI = 0.918_938_533_204_672_8;

/** From here on Stirling's series below is accurate to a few units of the last place. */
const STIRLING_FROM = 10;

/** The continued fraction needs about the square root of its larger parameter; this serves counts up to 10^10. */
const FRACTION_ITERATIONS_MAX = 200_000;
const FRACTION_PRECISION = 1e-15;
const TINY = 1e-300;

/** ln Γ(x) minus Stirling's leading terms, for x ≥ 10 (NIST DLMF 5.11.1). */
function stirlingRest(x: number): number {
  const s = 1 / (x * x);
  return (
    (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s * (1 / 1188 - s * (691 / 360_360)))))) / x
  );
}

/** Natural logarithm of Γ(x) for x > 0. */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < STIRLING_FROM) {
    product *= shifted;
    shifted += 1;
  }
  return (
    (shifted - 0.5) * Math.log(shifted) -
    shifted +
    HALF_LOG_TWO_PI +
    stirlingRest(shifted) -
    Math.log(product)
  );
}

/** Natural logarithm of B(a, b) for a, b > 0. Large parameters are combined before they are rounded, not after. */
export function logBeta(a: number, b: number): number {
  const small = Math.min(a, b);
  const large = Math.max(a, b);
  if (large < STIRLING_FROM) return logGamma(small) + logGamma(large) - logGamma(small + large);
  const share = small / (small + large);
  const rest = stirlingRest(large) - stirlingRest(small + large);
  if (small < STIRLING_FROM) {
    return (
      logGamma(small) + rest + small - small * Math.log(small + large) + (large - 0.5) * Math.log1p(-share)
    );
  }
  const both = stirlingRest(small) + rest;
  return (
    HALF_LOG_TWO_PI +
    both -
    0.5 * Math.log(large) +
    (small - 0.5) * Math.log(share) +
    large * Math.log1p(-share)
  );
}

/** Keeps a denominator of the continued fraction away from zero. */
const awayFromZero = (value: number): number => (Math.abs(value) < TINY ? TINY : value);

/** ln I_x(a, b) where x lies left of the mean: NIST DLMF 8.17.22, evaluated by the modified Lentz method. */
function logByFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= FRACTION_ITERATIONS_MAX; m += 1) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    const change = c * d;
    fraction *= change;
    if (Math.abs(change - 1) < FRACTION_PRECISION) break;
  }
  return a * Math.log(x) + b * Math.log1p(-x) - Math.log(a) - logBeta(a, b) + Math.log(fraction);
}

/** ln(1 − e^y) for y ≤ 0. */
const logComplement = (y: number): number =>
  y > -Math.LN2 ? Math.log(-Math.expm1(y)) : Math.log1p(-Math.exp(y));

/** Natural logarithm of I_x(a, b), the probability that a Beta(a, b) variable is at most x; 0 < x < 1, a, b > 0. */
export function logBetaBelow(x: number, a: number, b: number): number {
  if (x < (a + 1) / (a + b + 2)) return Math.min(0, logByFraction(x, a, b));
  return logComplement(Math.min(0, logByFraction(1 - x, b, a)));
}

/** Natural logarithm of 1 − I_x(a, b), the probability that a Beta(a, b) variable exceeds x. */
export function logBetaAbove(x: number, a: number, b: number): number {
  if (x < (a + 1) / (a + b + 2)) return logComplement(Math.min(0, logByFraction(x, a, b)));
  return Math.min(0, logByFraction(1 - x, b, a));
}
