import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eValuesOf, judge } from "../../shared/domain/judge.ts";
import { ROLLOUT_POLICY_DEFAULTS } from "../../shared/domain/rollout-policy.ts";
import { cleanRequestsToPass, evidenceOf, judged, type Pair } from "./judged-counts.ts";

describe("the first version of an endpoint", () => {
  it("passes and fails on the tolerance alone", () => {
    expect(cleanRequestsToPass(ROLLOUT_POLICY_DEFAULTS, null)).toBeLessThan(530);
    expect(judged(evidenceOf([[[300, 60], null]])).verdict).toBe("fail");
    const look = judged(evidenceOf([[[300, 2], null]]));
    expect(look).toMatchObject({
      verdict: "inconclusive",
      control: { requests: 0, errors: 0 },
      pass: { ratio: undefined },
    });
  });
});

describe("a look", () => {
  it("says with nothing to go on that nothing is proven", () => {
    const look = judged({ mode: "compare", segments: [], windows: [] });
    expect(look).toMatchObject({ verdict: "inconclusive", step: 0, canary: { requests: 0, errors: 0 } });
    expect(look.reasons).toContain("The canary has had no traffic yet.");
  });

  it("tells a canary that nobody scraped from one that nobody asked", () => {
    const evidence = evidenceOf([
      [
        [0, 0],
        [100, 0],
      ],
    ]);
    const said = (state: "no-scrape" | "no-exposure"): string => {
      const segments = evidence.segments.map((segment) => ({
        ...segment,
        canary: { ...segment.canary, state },
      }));
      return judged({ ...evidence, segments }).reasons.join(" ");
    };
    expect(said("no-scrape")).toContain("No scrape of the canary");
    expect(said("no-exposure")).toContain("has had no requests");
  });

  it("carries the counts and E values that it was made from, and a sentence for people", () => {
    const look = judged(
      evidenceOf([
        [
          [310, 31],
          [5_890, 6],
        ],
      ]),
    );
    expect(look.sentence).toBe(
      "Fail. Canary: 31 errors in 310 requests (10 %); control: 6 errors in 5,890 requests (0.1 %). " +
        "Its error rate is higher than 3 × the control and than 1 % (over a million to 1, 1,000 to 1 needed).",
    );
    expect(Object.keys(eValuesOf(look)).sort()).toEqual(
      ["fast", "pass", "veto"].flatMap((test) => [test, `${test}Absolute`, `${test}Needed`, `${test}Ratio`]),
    );
    expect(JSON.parse(JSON.stringify(eValuesOf(look)))).toEqual(eValuesOf(look));
  });

  it("refuses counts that no counter can give", () => {
    for (const broken of [
      [Number.NaN, 0],
      [-1, 0],
      [5, 6],
      [Infinity, 0],
    ] as const) {
      const look = judge(ROLLOUT_POLICY_DEFAULTS, evidenceOf([[broken, [10, 0]]]));
      expect(look).toMatchObject({ verdict: "refused", problems: [{ path: "segments[0].canary" }] });
    }
    const good = evidenceOf([
      [
        [10, 0],
        [10, 0],
      ],
    ]);
    const windows = [
      {
        segment: 0,
        index: 0,
        canary: { requests: 1, errors: Number.NaN },
        control: { requests: 1, errors: 0 },
      },
    ];
    expect(judge(ROLLOUT_POLICY_DEFAULTS, { ...good, windows })).toMatchObject({
      problems: [{ path: "windows[0].canary" }],
    });
  });

  it("stays finite at any counts, and harm never shrinks when one more canary request fails", () => {
    const arm = fc
      .tuple(fc.nat(1e9), fc.nat(1_000))
      .map(([requests, part]): Pair => [requests + 1, Math.floor((requests * part) / 1_000)]);
    fc.assert(
      fc.property(arm, arm, ([requests, errors], control) => {
        const look = judged(evidenceOf([[[requests, errors], control]]));
        const worse = judged(evidenceOf([[[requests, errors + 1], control]]));
        for (const value of Object.values(eValuesOf(look))) expect(Number.isFinite(value)).toBe(true);
        expect(worse.fast.combined).toBeGreaterThanOrEqual(look.fast.combined * (1 - 1e-4));
      }),
      { numRuns: 60 },
    );
  });
});
