import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logBeta, logBetaAbove, logBetaBelow, logGamma } from "../../shared/domain/beta.ts";

/** Reference values computed with 200 digits by an arbitrary-precision library. */
const LOG_BETA = [
  [0.1, 9.9, 2.028065075872615],
  [1, 1, 0],
  [2.5, 7.5, -4.982780372849818],
  [35.5, 904.2, -151.9640480763945],
  [1e-3, 2, 6.906755778649053],
  [1000.5, 2e6, -8607.48784982606],
  [1e9, 3e9, -2249340587.774087],
] as const;

/** x, a, b, ln I_x(a, b), ln(1 − I_x(a, b)). */
const INCOMPLETE = [
  [0.01, 0.1, 9.9, -0.19395466359421062, -1.7355412291024876],
  [0.01, 1, 531, -0.004823199822452571, -5.336728338209265],
  [0.25, 10.5, 90, -8.57708636507485e-5, -9.363874078757636],
  [0.01, 25.1, 500, -22.138236055487738, -2.4293284826509903e-10],
  [0.75, 400, 100, -5.565344077297199, -0.0038356096550583463],
  [0.136, 2.5, 1000, -3.938730123114492e-61, -139.08683230505602],
  [0.01, 1, 10_001, -2.2262871013183175e-44, -100.51340887086792],
  [0.3, 5000, 1000, -3678.7990492362705, 0],
] as const;

/** Equal to 11 digits, or to 10^-12 where the value itself is tiny. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-12 + 1e-11 * Math.abs(expected));
}

describe("the Beta function in logarithms", () => {
  it("agrees with 200-digit references from a thousandth to a billion", () => {
    for (const [a, b, expected] of LOG_BETA) expectClose(logBeta(a, b), expected);
    expectClose(logGamma(0.5), Math.log(Math.PI) / 2);
    expectClose(logGamma(171), 706.5730622457875);
  });

  it("keeps both tails of the incomplete integral, however small", () => {
    for (const [x, a, b, below, above] of INCOMPLETE) {
      expectClose(logBetaBelow(x, a, b), below);
      expectClose(logBetaAbove(x, a, b), above);
    }
  });

  it("has tails that add up to one and mirror each other", () => {
    const parameter = fc.double({ min: 0.01, max: 5_000, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), parameter, parameter, (x, a, b) => {
        expect(Math.exp(logBetaBelow(x, a, b)) + Math.exp(logBetaAbove(x, a, b))).toBeCloseTo(1, 9);
        const mirrored = logBetaAbove(1 - x, b, a);
        expect(Math.abs(logBetaBelow(x, a, b) - mirrored)).toBeLessThanOrEqual(
          1e-8 * (1 + Math.abs(mirrored)),
        );
      }),
    );
  });

  it("stays finite and non-positive at counts of a billion", () => {
    for (const [x, a, b] of [
      [0.5, 1e9, 1e9],
      [0.01, 1e7, 1e9],
      [0.01, 1, 1e9],
      [0.3, 1e9, 1e7],
    ] as const) {
      for (const log of [logBetaBelow(x, a, b), logBetaAbove(x, a, b)]) expect(log).toBeLessThanOrEqual(0);
      expect(Math.max(logBetaBelow(x, a, b), logBetaAbove(x, a, b))).toBeGreaterThan(-1);
    }
  });
});
