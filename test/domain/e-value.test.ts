import { describe, expect, it } from "vitest";
import { logBeta, logGamma } from "../../shared/domain/beta.ts";
import { logAboveToleranceE, logBelowToleranceE, logRatioE } from "../../shared/domain/e-value.ts";
import { counts } from "./judged-counts.ts";

describe("the bets behind the judge", () => {
  it("gain nothing on average at the border of their hypothesis", () => {
    const events = 60;
    const choose = (hits: number): number => -Math.log(events + 1) - logBeta(hits + 1, events - hits + 1);
    for (const margin of [1, 1.25, 3]) {
      for (const side of ["above", "below"] as const) {
        const border = (margin * 100) / (margin * 100 + 900);
        let mean = 0;
        for (let hits = 0; hits <= events; hits += 1) {
          const logE = logRatioE(
            { requests: 100, errors: hits },
            { requests: 900, errors: events - hits },
            margin,
            side,
          );
          mean += Math.exp(
            choose(hits) + hits * Math.log(border) + (events - hits) * Math.log(1 - border) + logE,
          );
        }
        expect(mean).toBeCloseTo(1, 9);
      }
    }
  });

  it("gain nothing on average at the tolerance either", () => {
    const requests = 400;
    for (const logE of [logAboveToleranceE, logBelowToleranceE]) {
      let mean = 0;
      for (let errors = 0; errors <= requests; errors += 1) {
        const choose = logGamma(requests + 1) - logGamma(errors + 1) - logGamma(requests - errors + 1);
        const chance = choose + errors * Math.log(0.01) + (requests - errors) * Math.log(0.99);
        mean += Math.exp(chance + logE({ requests, errors }, 0.01));
      }
      expect(mean).toBeCloseTo(1, 9);
    }
  });

  it("do not move without errors, by ratio, or without requests on both arms", () => {
    expect(logRatioE(counts([500, 0]), counts([9_500, 0]), 2, "below")).toBeCloseTo(0, 10);
    expect(logRatioE(counts([500, 5]), counts([0, 0]), 2, "above")).toBe(0);
    expect(logAboveToleranceE(counts([0, 0]), 0.01)).toBe(0);
  });
});
