import { describe, expect, it } from "vitest";
import type { CounterSample } from "../../shared/domain/counter-increase.ts";
import type { ArmCounts } from "../../shared/domain/e-value.ts";
import { policyAt, rateBound, replayHealthy, replayRollout } from "../../shared/domain/judge-replay.ts";
import { createRandom } from "../../shared/domain/random.ts";
import { healthyWindows, readRecording, spacingOf, writeRecording } from "../../shared/domain/recording.ts";
import { ROLLOUT_POLICY_DEFAULTS } from "../../shared/domain/rollout-policy.ts";
import { withErrors } from "./judged-counts.ts";

const START_MS = Date.parse("2026-01-31T10:00:00Z");

/** Readings every 5 s of a version that answers so many requests between two of them. */
function readings(version: string, counts: readonly ArmCounts[], fromMs = START_MS): CounterSample[] {
  let [requests, errors] = [0, 0];
  return counts.map((more, index) => {
    requests += more.requests;
    errors += more.errors;
    return { timeMs: fromMs + index * 5_000, version, instance: "a", requests, errors };
  });
}

const steady = (length: number, requests: number, errors: number): ArmCounts[] =>
  Array.from({ length }, () => ({ requests, errors }));

describe("a recording", () => {
  it("reads back what it wrote, readings and moves in order of time", () => {
    const recording = {
      samples: readings("1", steady(4, 10, 1)),
      moves: [{ timeMs: START_MS + 7_000, to: { "1": 95, "2": 5 } }],
    };
    const text = writeRecording(recording);
    expect(text.split("\n")[2]).toContain("weights");
    expect(readRecording(text)).toEqual({ kind: "recording", recording });
  });

  it("names the first line that is neither a reading nor a move, and what to write", () => {
    const good = '{"time":"2026-01-31T10:00:00Z","version":"1","requests":1,"errors":0}';
    for (const [bad, said] of [
      ["nonsense", "Line 2 has no time"],
      ['{"time":"2026-01-31T10:00:05Z","version":"1","requests":-1,"errors":0}', "Line 2 is neither"],
      ['{"time":"2026-01-31T10:00:05Z","version":"1","requests":1,"errors":2}', "cannot be"],
      ["", "fewer than two readings"],
    ] as const) {
      const read = readRecording(`${good}\n${bad}\n`);
      expect(read.kind === "unreadable" ? read.message : "").toContain(said);
    }
  });

  it("gives as healthy only what one version served alone, and leaves out times without readings", () => {
    const samples = [
      ...readings("1", steady(10, 100, 1)),
      ...readings("2", steady(10, 50, 5), START_MS + 20_000),
    ];
    const moves = [
      { timeMs: START_MS - 1, to: { "1": 100 } },
      { timeMs: START_MS + 20_000, to: { "1": 50, "2": 50 } },
    ];
    const windows = healthyWindows({ samples, moves }, 5_000);
    expect(windows).toEqual(steady(4, 100, 1));
    expect(healthyWindows({ samples, moves: [] }, 5_000, "2")).toEqual(steady(9, 50, 5));
    expect(spacingOf(samples)).toBe(5_000);
  });
});

describe("a replay of healthy traffic", () => {
  it("rolls back what swings beyond the policy's noise, and next to nothing that is steady", () => {
    const wild = Array.from({ length: 720 }, (_, index) => ({
      requests: 1_000,
      errors: Math.floor(index / 12) % 7 === 0 ? 200 : 5,
    }));
    const replay = (windows: readonly ArmCounts[]) =>
      replayHealthy(ROLLOUT_POLICY_DEFAULTS, windows, { rollouts: 60, random: createRandom(1) });
    const calm = replay(steady(720, 1_000, 10));
    expect([calm.rolledBack, calm.promoted]).toEqual([0, 60]);
    expect(calm.medianSeconds).toBe(180);
    expect(replay(wild).rolledBack).toBeGreaterThan(10);
  });

  it("tells how long a fault takes to be seen, and answers the same for the same seed", () => {
    const windows = steady(360, 1_000, 10);
    const replay = (fault: number, seed: number) =>
      replayHealthy(ROLLOUT_POLICY_DEFAULTS, windows, { rollouts: 40, random: createRandom(seed), fault });
    expect(replay(10, 1).rolledBack).toBe(40);
    expect(replay(10, 1).medianSeconds ?? Infinity).toBeLessThan(replay(3, 1).medianSeconds ?? 0);
    expect(replay(3, 7)).toEqual(replay(3, 7));
  });

  it("keeps the chance of the recording: thinned counts vary as chance has it, not more", () => {
    const random = createRandom(3);
    const drawn = Array.from({ length: 4_000 }, () => random.binomial(1_000, 0.05));
    const mean = drawn.reduce((sum, count) => sum + count, 0) / drawn.length;
    const variance = drawn.reduce((sum, count) => sum + (count - mean) ** 2, 0) / drawn.length;
    expect(mean).toBeCloseTo(50, 0);
    expect(variance / (1_000 * 0.05 * 0.95)).toBeGreaterThan(0.9);
    expect(variance / (1_000 * 0.05 * 0.95)).toBeLessThan(1.1);
    for (const [count, chance, expected] of [
      [0, 0.5, 0],
      [9, 0, 0],
      [9, 1, 9],
    ] as const) {
      expect(random.binomial(count, chance)).toBe(expected);
    }
  });

  it("does not look more often than the recording was read", () => {
    expect(policyAt(ROLLOUT_POLICY_DEFAULTS, 15_000).judge).toMatchObject({
      lookMs: 15_000,
      windowMs: 15_000,
    });
  });
});

describe("the bound beside a measured rate", () => {
  it("is Clopper and Pearson's, and everything where nothing was independent", () => {
    // The rule of three: none of 60 wrong excludes rates above 1 − 0.05^(1/60).
    expect(rateBound(0, 60)).toBeCloseTo(1 - 0.05 ** (1 / 60), 6);
    expect(rateBound(0.05, 60)).toBeGreaterThan(0.05);
    expect([rateBound(0, 0), rateBound(1, 10)]).toEqual([1, 1]);
  });
});

describe("a replay of a recorded rollout", () => {
  const arms = { candidate: "2", control: "1" };
  const moves = [
    { timeMs: START_MS, to: { "1": 50, "2": 50 } },
    { timeMs: START_MS + 120_000, to: { "2": 100 } },
  ];
  const recording = (errors: number) => ({
    samples: [...readings("1", steady(25, 500, 5)), ...readings("2", steady(25, 500, errors))],
    moves,
  });

  it("says when this policy would have ended it, and with which sentence", () => {
    const until = START_MS + 120_000;
    const bad = replayRollout(ROLLOUT_POLICY_DEFAULTS, arms, recording(50), until);
    expect(bad).toMatchObject({ end: "rolled-back" });
    expect(bad?.seconds).toBeLessThan(30);
    expect(bad?.sentence).toMatch(/^Fail\./);
    const good = replayRollout(ROLLOUT_POLICY_DEFAULTS, arms, recording(5), until);
    expect(good).toMatchObject({ end: "promoted" });
    const lenient = withErrors({ tolerance: 0.5 });
    expect(replayRollout(lenient, arms, recording(50), until)?.end).toBe("promoted");
  });

  it("is nothing where the candidate had no traffic", () => {
    expect(
      replayRollout(ROLLOUT_POLICY_DEFAULTS, { candidate: "3", control: "1" }, recording(5), Infinity),
    ).toBeUndefined();
  });
});
