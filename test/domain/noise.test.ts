import { describe, expect, it } from "vitest";
import { dispersionOf } from "../../shared/domain/dispersion.ts";
import type { WindowCounts } from "../../shared/domain/evidence.ts";
import { NOISE_MINUTE_MS, NOISE_PERSISTENCE, noiseLeft } from "../../shared/domain/noise.ts";
import { ROLLOUT_POLICY_DEFAULTS } from "../../shared/domain/rollout-policy.ts";
import { counts, evidenceOf, withErrors } from "./judged-counts.ts";

/** One step of so many minutes with 100 requests/s on either arm, whose canary fails at `rate(minute)`. */
function steady(minutes: number, rate: (minute: number) => number) {
  const windows: WindowCounts[] = Array.from({ length: minutes * 12 }, (_, index) => ({
    segment: 0,
    index,
    canary: counts([500, Math.round(500 * rate(Math.floor(index / 12)))]),
    control: counts([500, 15]),
  }));
  const sum = (arm: "canary" | "control") =>
    counts([
      windows.reduce((all, window) => all + window[arm].requests, 0),
      windows.reduce((all, window) => all + window[arm].errors, 0),
    ]);
  const { mode, segments } = evidenceOf([
    [
      [1, 0],
      [1, 0],
    ],
  ]);
  const whole = segments.map((segment) => ({
    ...segment,
    toMs: minutes * NOISE_MINUTE_MS,
    canary: { ...sum("canary"), state: "errors" as const },
    control: { ...sum("control"), state: "errors" as const },
  }));
  return { mode, segments: whole, windows };
}

describe("the noise that the judge assumes", () => {
  it("leaves of n minutes exactly the mean of their correlations", () => {
    for (const minutes of [1, 2, 3, 10, 60]) {
      let sum = 0;
      for (let one = 0; one < minutes; one += 1) {
        for (let other = 0; other < minutes; other += 1) sum += NOISE_PERSISTENCE ** Math.abs(one - other);
      }
      expect(noiseLeft(minutes * NOISE_MINUTE_MS)).toBeCloseTo(sum / minutes ** 2, 12);
    }
  });

  it("is whole for anything shorter than a minute, and never grows with time", () => {
    expect(noiseLeft(1)).toBe(1);
    let before = 1;
    for (let minutes = 1; minutes < 200; minutes += 0.5) {
      const left = noiseLeft(minutes * NOISE_MINUTE_MS);
      expect(left).toBeLessThanOrEqual(before);
      before = left;
    }
  });

  it("tempers a long rollout for spells that last minutes, not for single ones only", () => {
    const policy = withErrors({ noise: 0.3 });
    const dispersion = dispersionOf(
      policy,
      steady(3, () => 0.03),
    );
    // Independent spells of a minute would leave a third of the variance; persistent ones leave three quarters.
    const errors = 3 * 12 * 15;
    const share = 1.25 / 2.25;
    const independent = 1 + (0.3 ** 2 * 2 * share * errors) / 3;
    expect(dispersion?.ratio).toBeGreaterThan(independent);
  });

  it("is unlearned where the minutes are quiet, and learned where they are not", () => {
    const policy = ROLLOUT_POLICY_DEFAULTS;
    const quiet =
      dispersionOf(
        policy,
        steady(20, () => 0.03),
      )?.ratio ?? 0;
    const wild =
      dispersionOf(
        policy,
        steady(20, (minute) => (minute % 4 < 2 ? 0.01 : 0.05)),
      )?.ratio ?? 0;
    const unlearned = dispersionOf(policy, {
      ...steady(20, () => 0.03),
      windows: steady(1, () => 0.03).windows,
    });
    expect(quiet).toBeLessThan((unlearned?.ratio ?? 0) / 2);
    expect(wild).toBeGreaterThan((unlearned?.ratio ?? Infinity) * 1.5);
  });
});
