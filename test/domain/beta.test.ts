import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logBeta, logBetaAbove, logBetaBelow, logGamma } from "../../shared/domain/beta.ts";

/** Reference values computed with 200 digits by an arbitrary-precision library. */
const LOG_BETA = [
  [0.1, 9.9, 2.02806507587261516],
  [1, 1, 0],
  [2.5, 7.5, -4.9827803728498175],
  [35.5, 904.2, -151.964048076394505],
  [1e-3, 2, 6.9067557786490535],
  [1000.5, 2e6, -8607.48784982606132],
  [1e9, 3e9, -2249340587.77408675],
] as const;

/** x, a, b, ln I_x(a, b), ln(1 − I_x(a, b)). */
const INCOMPLETE = [
  [0.01, 0.1, 9.9, -0.19395466359421062, -1.73554122910248767],
  [0.01, 1, 531, -0.00482319982245257029, -5.33672833820926527],
  [0.25, 10.5, 90, -0.0000857708636507485041, -9.36387407875763649],
  [0.01, 25.1, 500, -22.1382360554877375, -2.42932848265099052e-10],
  [0.75, 400, 100, -5.56534407729719942, -0.00383560965505834614],
  [0.136, 2.5, 1000, -3.93873012311449182e-61, -139.086832305056018],
  [0.01, 1, 10_001, -2.22628710131831742e-44, -100.513408870867913],
  [0.3, 5000, 1000, -3678.79904923627059, 0],
] as const;

/** Equal to 11 digits, or to 10^-12 where the value itself is tiny. */
function expectClose(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-12 + 1e-11 * Math.abs(expected));
}

describe("the Beta function in logarithms", () => {
  it("agrees with 200-digit references from a thousandth to a billion", () => {
    for (const [a, b, expected] of LOG_BETA) expectClose(logBeta(a, b), expected);
    expectClose(logGamma(0.5), Math.log(Math.PI) / 2);
    expectClose(logGamma(171), 706.573062245787469);
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
