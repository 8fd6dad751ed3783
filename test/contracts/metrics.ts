import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Metrics } from "../../shared/ports/metrics.ts";

/** What an adapter brings to be tried: a source of counters that the test turns, and time. */
export interface MetricsTrial {
  readonly metrics: Metrics;
  readonly endpoint: string;
  /** Sets the counters of a backend in the source. */
  set(backend: string, requests: number, errors: number): void;
  /** The counting process starts anew, without any series. */
  restart(): void;
  /** Whether the source answers. */
  reachable(yes: boolean): void;
  /** Time goes on by a second, then one reading is taken; answers its time. */
  read(): Promise<string>;
  dispose(): Promise<void>;
}

const LATE = "2999-01-01T00:00:00.000Z";
const EARLY = "1999-01-01T00:00:00.000Z";

/** The law of the Metrics port, for any adapter. */
export function metricsContract(name: string, create: () => Promise<MetricsTrial>): void {
  describe(`${name} keeps the law of metrics`, () => {
    let trial: MetricsTrial;
    beforeEach(async () => {
      trial = await create();
    });
    afterEach(() => trial.dispose());

    const samples = (from = EARLY, to = LATE) => trial.metrics.samples(trial.endpoint, from, to);

    it("has no samples at first", async () => {
      expect(await samples()).toEqual([]);
    });

    it("gives counters as they were read, oldest first", async () => {
      trial.set("one", 10, 1);
      const first = await trial.read();
      trial.set("one", 15, 2);
      trial.set("two", 3, 0);
      const second = await trial.read();
      const all = await samples();
      expect(all.map(({ time, backend, requests, errors }) => [time, backend, requests, errors])).toEqual([
        [first, "one", 10, 1],
        [second, "one", 15, 2],
        [second, "two", 3, 0],
      ]);
      expect(new Set(all.map(({ instance }) => instance)).size).toBe(1);
    });

    it("adds the last sample before the range, once per backend", async () => {
      trial.set("one", 1, 0);
      await trial.read();
      trial.set("one", 2, 0);
      trial.set("two", 7, 0);
      await trial.read();
      trial.set("one", 3, 0);
      const third = await trial.read();
      trial.set("one", 4, 0);
      await trial.read();
      expect((await samples(third, third)).map(({ backend, requests }) => [backend, requests])).toEqual([
        ["one", 2],
        ["two", 7],
        ["one", 3],
        ["two", 7],
      ]);
    });

    it("says nothing about a time in which it could not read", async () => {
      trial.set("one", 1, 0);
      await trial.read();
      trial.reachable(false);
      const missed = await trial.read();
      trial.reachable(true);
      await trial.read();
      expect((await samples()).map(({ time }) => time)).not.toContain(missed);
      expect(await samples()).toHaveLength(2);
    });

    it("tells a restart by another instance, and a series that is gone by 0", async () => {
      trial.set("one", 100, 5);
      trial.set("two", 50, 0);
      await trial.read();
      trial.restart();
      trial.set("one", 2, 0);
      await trial.read();
      const [before, , ...after] = await samples();
      expect(after.map(({ backend, requests }) => [backend, requests])).toEqual(
        expect.arrayContaining([
          ["one", 2],
          ["two", 0],
        ]),
      );
      expect(new Set(after.map(({ instance }) => instance)).has(before?.instance ?? "")).toBe(false);
    });

    it("keeps endpoints apart", async () => {
      trial.set("one", 1, 0);
      await trial.read();
      expect(await trial.metrics.samples("teams/other/endpoints/ranker", EARLY, LATE)).toEqual([]);
    });
  });
}
