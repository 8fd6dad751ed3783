import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CounterSample, counterIncreases } from "../../shared/domain/counter-increase.ts";
import { type Evidence, gatherEvidence, segmentsOf } from "../../shared/domain/evidence.ts";

const ARMS = { candidate: "v2", control: "v1" };
const STEPS = [5, 25, 50];
const WINDOW_MS = 5_000;

const sample = (
  version: string,
  timeMs: number,
  requests: number,
  errors = 0,
  instance = "a",
): CounterSample => ({
  version,
  timeMs,
  requests,
  errors,
  instance,
});

function gathered(
  samples: readonly CounterSample[],
  segments = segmentsOf(ARMS, MOVES, STEPS, 20_000),
): Evidence {
  const result = gatherEvidence(ARMS, segments, samples, WINDOW_MS);
  if (result.kind === "refused") throw new Error(JSON.stringify(result.problems));
  return result.evidence;
}

/** 5 % at 0 s, 25 % at 10 s. */
const MOVES = [
  { timeMs: 0, to: { v1: 95, v2: 5 } },
  { timeMs: 10_000, to: { v1: 75, v2: 25 } },
];

describe("the judged stretches of a rollout", () => {
  it("are the splits, each with its step and share", () => {
    const moves = [{ timeMs: -5_000, to: { v1: 100 } }, ...MOVES, { timeMs: 30_000, to: { v2: 100 } }];
    expect(segmentsOf(ARMS, moves, STEPS, 40_000)).toEqual([
      { step: 0, fromMs: 0, toMs: 10_000, weight: 5 },
      { step: 1, fromMs: 10_000, toMs: 30_000, weight: 25 },
    ]);
  });

  it("end now when the last move still holds, and have a step even at a weight that is none", () => {
    const moves = [{ timeMs: 0, to: { v1: 9, v2: 1 } }];
    expect(segmentsOf(ARMS, moves, STEPS, 4_000)).toEqual([{ step: 1, fromMs: 0, toMs: 4_000, weight: 10 }]);
    expect(segmentsOf(ARMS, moves, STEPS, 0)).toEqual([]);
  });

  it("include 100 % only for the first version of an endpoint", () => {
    const moves = [{ timeMs: 0, to: { v2: 100 } }];
    expect(segmentsOf(ARMS, moves, STEPS, 4_000)).toEqual([]);
    expect(segmentsOf({ candidate: "v2", control: null }, moves, STEPS, 4_000)).toMatchObject([
      { step: 0, weight: 100 },
    ]);
  });
});

describe("evidence from counters", () => {
  it("counts each arm in the segment where it happened", () => {
    const { segments, mode } = gathered([
      sample("v1", 0, 1_000, 10),
      sample("v1", 10_000, 1_950, 12),
      sample("v1", 20_000, 2_700, 12),
      sample("v2", 0, 0),
      sample("v2", 10_000, 50, 1),
      sample("v2", 20_000, 300, 9),
      sample("v7", 10_000, 9_999, 9_999),
    ]);
    expect(mode).toBe("compare");
    expect(segments.map(({ canary, control }) => [canary, control])).toEqual([
      [
        { requests: 50, errors: 1, state: "errors" },
        { requests: 950, errors: 2, state: "errors" },
      ],
      [
        { requests: 250, errors: 8, state: "errors" },
        { requests: 750, errors: 0, state: "no-errors" },
      ],
    ]);
  });

  it("tells no scrape, no exposure and no errors apart", () => {
    const { segments } = gathered([
      sample("v1", 0, 10),
      sample("v1", 9_000, 20),
      sample("v2", 0, 0),
      sample("v2", 9_000, 0),
    ]);
    expect(segments.map(({ canary, control }) => [canary.state, control?.state])).toEqual([
      ["no-exposure", "no-errors"],
      ["no-scrape", "no-scrape"],
    ]);
  });

  it("loses, at a restart, only what followed the last reading", () => {
    const { segments } = gathered([
      sample("v2", 0, 100, 5),
      sample("v2", 2_000, 140, 6),
      sample("v2", 4_000, 30, 2),
      sample("v2", 6_000, 50, 2),
    ]);
    expect(segments[0]?.canary).toMatchObject({ requests: 40 + 30 + 20, errors: 1 + 2 });
  });

  it("sees a restart whose new counts have outgrown the old ones", () => {
    const before = { ...sample("v2", 2_000, 40), startedMs: -90_000 };
    const after = { ...sample("v2", 4_000, 45), startedMs: 2_500 };
    expect(counterIncreases([before, after], 0)).toMatchObject([
      { requests: 45, fromMs: 2_500, toMs: 4_000 },
    ]);
  });

  it("counts a first reading in full only when its counters are younger than the rollout", () => {
    const young = { ...sample("v2", 2_000, 40, 1), startedMs: 500 };
    const old = { ...sample("v1", 2_000, 4_000, 1), startedMs: -500 };
    const { segments } = gathered([young, old, { ...old, timeMs: 4_000, requests: 4_100 }]);
    expect(segments[0]?.canary.requests).toBe(40);
    expect(segments[0]?.control?.requests).toBe(100);
  });

  it("adds instances up and does not mind the order of samples", () => {
    const samples = [
      sample("v2", 4_000, 8, 1, "a"),
      sample("v2", 0, 0, 0, "b"),
      sample("v2", 4_000, 5, 0, "b"),
      sample("v2", 0, 0, 0, "a"),
    ];
    expect(gathered(samples).segments[0]?.canary).toMatchObject({ requests: 13, errors: 1 });
  });

  it("has windows that add up to the segments", () => {
    const growth = fc.array(fc.tuple(fc.nat(50), fc.nat(50)), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(growth, growth, (canary, control) => {
        const samples: CounterSample[] = [];
        for (const [version, steps] of [
          ["v2", canary],
          ["v1", control],
        ] as const) {
          let [requests, errors] = [0, 0];
          samples.push(sample(version, 0, 0));
          for (const [index, [more, failed]] of steps.entries()) {
            requests += more;
            errors += Math.min(more, failed);
            samples.push(sample(version, (index + 1) * 500, requests, errors));
          }
        }
        const { segments, windows } = gathered(samples);
        for (const [position, segment] of segments.entries()) {
          const own = windows.filter((window) => window.segment === position);
          expect(own.reduce((sum, { canary }) => sum + canary.requests, 0)).toBe(segment.canary.requests);
          expect(own.reduce((sum, { control }) => sum + control.errors, 0)).toBe(segment.control?.errors);
        }
      }),
    );
  });

  it("refuses counts that no counter can give, by place and remedy", () => {
    for (const broken of [
      sample("v2", 1, Number.NaN),
      sample("v2", 1, -1),
      sample("v2", 1, 1, 2),
      sample("v2", Number.NaN, 1),
    ]) {
      const result = gatherEvidence(
        ARMS,
        segmentsOf(ARMS, MOVES, STEPS, 5_000),
        [sample("v2", 0, 0), broken],
        WINDOW_MS,
      );
      expect(result).toMatchObject({ kind: "refused", problems: [{ path: "samples[1] (v2, a)" }] });
    }
  });
});
