// The simulation can fail: every broken variant of the product is noticed, by the law that it breaks.
import { describe, expect, test } from "vitest";
import { runBatch } from "./batch.ts";
import { MUTANTS, mutate } from "./mutants.ts";

/** Histories in which a broken variant must be noticed. */
const SEEDS_MAX = 1_200;
/** From where they are counted, where few histories meet what the variant breaks: a little before one that did. Default: 1. */
const FIRST: Readonly<Record<string, number>> = {
  "two applies of a stack run at a time": 601,
};
const TIMEOUT_MS = 10 * 60_000;

describe("the simulation notices a product in which", () => {
  for (const mutant of MUTANTS) {
    test(
      mutant.name,
      async () => {
        expect(mutate(mutant)).toContain(mutant.to);
        const noticed = (results: readonly { readonly problems: readonly string[] }[]): boolean =>
          results.some(({ problems }) => problems.some((problem) => problem.includes(mutant.law)));
        const results = await runBatch({
          first: FIRST[mutant.name] ?? 1,
          count: SEEDS_MAX,
          workers: 1,
          mutant: mutant.name,
          enough: noticed,
        });
        expect(noticed(results)).toBe(true);
      },
      TIMEOUT_MS,
    );
  }
});
