// Every story holds wherever the process crashes: at each call of a port exactly once, the call having happened and nobody told.
import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { runBatch } from "./batch.ts";
import { simulate } from "./simulate.ts";
import { STORIES } from "./stories.ts";

/** Calls of a story at most: a longer one would take CI too long, and has to be told shorter. */
const CALLS_MAX = 1_500;
const WORKERS_MAX = 2;
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
        const results = await runBatch({ first: 0, count: calls + 1, workers, story: story.name });
        expect(results.map(({ seed }) => seed)).toStrictEqual(Array.from({ length: calls + 1 }, (_, n) => n));
        const failures = results.flatMap(({ seed, problems }) =>
          problems.map((problem) => `crash after call ${seed}: ${problem}`),
        );
        expect(failures).toStrictEqual([]);
        expect(results.filter(({ marks }) => marks.includes("a crash")).length).toBe(calls + 1);
        await annotate(`${calls + 1} crashes: ${story.name}`);
      },
      TIMEOUT_MS,
    );
  }
});
