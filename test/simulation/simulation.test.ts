// The simulation in the test suite: hundreds of histories hold, a seed is a history to the byte, and the interesting states are met.
import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { runBatch } from "./batch.ts";
import { simulate } from "./simulate.ts";
import { BATCH_MIN, neverReached } from "./sometimes.ts";

/** Histories that every run of the tests plays, from seed 1 on; `SIGNALBOX_SIMULATIONS` asks for more of them. */
const SEEDS_USUAL = 2_000;
const SEEDS = Number(process.env["SIGNALBOX_SIMULATIONS"] ?? SEEDS_USUAL);
/** Processes at most: one a core. */
const WORKERS_MAX = 4;
/** Seeds whose history is played twice, in two processes. */
const TWICE = [1, 2, 3, 5, 7, 11] as const;
/** Real time for all of it on a machine that does other work at the same time. */
const TIMEOUT_MS = 30 * 60_000;

describe("the control plane in simulated histories", () => {
  test(
    `keeps its promises under every fault in ${SEEDS} histories, and comes to rest`,
    async () => {
      const workers = Math.min(WORKERS_MAX, availableParallelism());
      const results = await runBatch({ first: 1, count: SEEDS, workers });
      expect(results.map(({ seed }) => seed)).toStrictEqual(Array.from({ length: SEEDS }, (_, n) => n + 1));
      const problems = results.flatMap(({ seed, problems }) =>
        problems.map((problem) => `seed ${seed} (npm run simulate -- --seed ${seed}): ${problem}`),
      );
      expect(problems).toStrictEqual([]);
      // Fewer histories than that may miss a rare state by chance.
      const missing = SEEDS < BATCH_MIN ? [] : neverReached(results.map(({ marks }) => new Set(marks)));
      expect(missing).toStrictEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "is the same to the byte when a seed is played again, here or in another process",
    async () => {
      const [first, last] = [TWICE[0], TWICE.at(-1) ?? TWICE[0]];
      const elsewhere = await runBatch({ first, count: last - first + 1, workers: 1 });
      for (const seed of TWICE) {
        const here = await simulate(seed);
        const again = await simulate(seed);
        expect(again.lines).toStrictEqual(here.lines);
        expect(elsewhere.find((result) => result.seed === seed)?.digest).toBe(here.digest);
      }
    },
    TIMEOUT_MS,
  );

  test("tells another story for another seed, with every line at its virtual time", async () => {
    const [one, other] = [await simulate(1), await simulate(2)];
    expect(one.digest).not.toBe(other.digest);
    expect(one.lines.every((line) => /^ *\d+\.\d{3} \S+ +\S/.test(line))).toBe(true);
    const times = one.lines.map((line) => Number.parseFloat(line));
    expect(times).toStrictEqual(times.toSorted((earlier, later) => earlier - later));
  });
});
