// Every story holds wherever the process crashes, the call of a port having happened and nobody told. SIGNALBOX_CRASHES=all crashes
// at each call exactly once (2,605 histories, two to three minutes of two cores); otherwise at every fourth, the same ones each time.
import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { runBatch } from "./batch.ts";
import { simulate } from "./simulate.ts";
import { STORIES } from "./stories.ts";

/** Calls of a story at most: a longer one would take CI too long, and has to be told shorter. */
const CALLS_MAX = 1_500;
const WORKERS_MAX = 2;
const EVERY = process.env["SIGNALBOX_CRASHES"] === "all" ? 1 : 4;
const TIMEOUT_MS = 10 * 60_000;

describe("a crash at any call", () => {
  for (const story of STORIES) {
    test(
      `leaves nothing behind when ${story.name}`,
      async ({ annotate }) => {
        const { problems, calls } = await simulate(1, {}, story);
        expect(problems).toStrictEqual([]);
        expect(calls).toBeGreaterThan(50);
        expect(calls).toBeLessThanOrEqual(CALLS_MAX);
        const workers = Math.min(WORKERS_MAX, availableParallelism());
        const places = { first: 0, count: calls + 1, every: EVERY };
        const results = await runBatch({ ...places, workers, story: story.name });
        const wanted = Array.from({ length: calls + 1 }, (_, call) => call).filter(
          (call) => call % EVERY === 0,
        );
        expect(results.map(({ seed }) => seed)).toStrictEqual(wanted);
        const failures = results.flatMap(({ seed, problems }) =>
          problems.map((problem) => `crash after call ${seed}: ${problem}`),
        );
        expect(failures).toStrictEqual([]);
        expect(results.filter(({ marks }) => marks.includes("a crash")).length).toBe(wanted.length);
        await annotate(`${wanted.length} crashes at ${calls + 1} places: ${story.name}`);
      },
      TIMEOUT_MS,
    );
  }
});
