import { describe, expect, it } from "vitest";
import type { WindowCounts } from "../../shared/domain/evidence.ts";
import { cleanRequestsToPass, counts, evidenceOf, judged, type Pair, withErrors } from "./judged-counts.ts";

/** Six windows of equal counts in segment 0. */
const steady = (canary: Pair, control: Pair): readonly WindowCounts[] =>
  Array.from({ length: 6 }, (_, index) => ({
    segment: 0,
    index,
    canary: counts(canary),
    control: counts(control),
  }));

describe("pass", () => {
  it("needs about 530 clean canary requests at 1 %, 265 at 2 % and 1,066 at 0.5 %", () => {
    const control: Pair = [9_500, 0];
    for (const [tolerance, expected] of [
      [0.01, 530],
      [0.02, 265],
      [0.005, 1_066],
    ] as const) {
      const needed = cleanRequestsToPass(withErrors({ tolerance }), control);
      expect(Math.abs(needed / expected - 1), `${needed} at ${tolerance}`).toBeLessThan(0.01);
    }
  });

  it("comes by ratio where both arms have errors above the tolerance", () => {
    const look = judged(
      evidenceOf([
        [
          [5_000, 150],
          [95_000, 2_850],
        ],
      ]),
    );
    expect(look.verdict).toBe("pass");
    expect(look.pass.ratio).toBeGreaterThan(40);
    expect(look.pass.absolute).toBeLessThan(1);
  });

  it("uses the evidence of all steps, and is never latched", () => {
    expect(
      judged(
        evidenceOf([
          [
            [300, 0],
            [5_700, 0],
          ],
        ]),
      ).verdict,
    ).toBe("inconclusive");
    expect(
      judged(
        evidenceOf([
          [
            [300, 0],
            [5_700, 0],
          ],
          [
            [300, 0],
            [900, 0],
          ],
        ]),
      ).verdict,
    ).toBe("pass");
    expect(
      judged(
        evidenceOf([
          [
            [600, 0],
            [5_700, 0],
          ],
          [
            [300, 20],
            [900, 9],
          ],
        ]),
      ).verdict,
    ).not.toBe("pass");
  });

  it("waits while the latest step, taken plainly, looks harmful, however clean the earlier ones were", () => {
    const look = judged(
      evidenceOf([
        [
          [50_000, 500],
          [950_000, 9_500],
        ],
        [
          [50_000, 1_500],
          [50_000, 500],
        ],
      ]),
    );
    expect(look.pass.combined).toBeGreaterThan(look.pass.needed);
    expect(look.verdict).toBe("inconclusive");
    expect(look.reasons.join(" ")).toContain("No pass while this step");
  });
});

describe("fail", () => {
  it("needs both more than the ratio and more than the tolerance", () => {
    expect(
      judged(
        evidenceOf([
          [
            [1_000, 9],
            [19_000, 4],
          ],
        ]),
      ).verdict,
    ).toBe("inconclusive");
    expect(
      judged(
        evidenceOf([
          [
            [1_000, 100],
            [19_000, 1_900],
          ],
        ]),
      ).verdict,
    ).not.toBe("fail");
    expect(
      judged(
        evidenceOf([
          [
            [1_000, 100],
            [19_000, 190],
          ],
        ]),
      ).verdict,
    ).toBe("fail");
  });

  it("needs no windows in the fast lane: 20 failures in 20 requests are enough", () => {
    const look = judged(
      evidenceOf([
        [
          [20, 20],
          [380, 1],
        ],
      ]),
    );
    expect(look.slow).toBeUndefined();
    expect(look.verdict).toBe("fail");
  });

  it("sees in the slow lane what the fast one allows, from five windows on", () => {
    const evidence = evidenceOf([
      [
        [6_000, 150],
        [54_000, 540],
      ],
    ]);
    const windows = steady([1_000, 25], [9_000, 90]);
    const policy = withErrors({ noise: 0 });
    expect(judged({ ...evidence, windows: windows.slice(0, 4) }, policy)).toMatchObject({
      verdict: "inconclusive",
      slow: undefined,
    });
    expect(judged({ ...evidence, windows }, policy).verdict).toBe("fail");
  });

  it("is tempered when the errors come in bursts", () => {
    const evidence = evidenceOf([
      [
        [6_000, 150],
        [54_000, 540],
      ],
    ]);
    const bursts = steady([1_000, 0], [9_000, 90]).map((window) =>
      window.index === 3 ? { ...window, canary: counts([1_000, 150]) } : window,
    );
    const look = judged({ ...evidence, windows: bursts }, withErrors({ noise: 0 }));
    expect(look.dispersion?.ratio).toBeGreaterThan(10);
    expect(look.verdict).toBe("inconclusive");
  });

  it("is tempered by the noise that the policy assumes until windows have measured it", () => {
    const evidence = {
      ...evidenceOf([
        [
          [6_000, 100],
          [54_000, 540],
        ],
      ]),
      windows: steady([1_000, 16], [9_000, 90]),
    };
    expect(judged(evidence, withErrors({ noise: 0 })).dispersion?.ratio).toBe(1);
    expect(judged(evidence, withErrors({ noise: 0.3 })).dispersion?.ratio).toBeGreaterThan(5);
  });

  it("sees a late fault behind clean early steps", () => {
    const clean: readonly [Pair, Pair] = [
      [20_000, 20],
      [380_000, 380],
    ];
    expect(
      judged(
        evidenceOf([
          clean,
          clean,
          [
            [200, 30],
            [600, 1],
          ],
        ]),
      ).verdict,
    ).toBe("fail");
  });

  it("wins over pass", () => {
    const policy = withErrors({ tolerance: 0.5, unacceptable: 1_000, fastAlpha: 0.2 });
    const look = judged(
      evidenceOf([
        [
          [100_000, 52_000],
          [100_000, 500],
        ],
      ]),
      policy,
    );
    expect(look.pass.combined).toBeGreaterThan(look.pass.needed);
    expect(look.verdict).toBe("fail");
  });
});
