// Which story a fact belongs to that is recorded outside of any.
import { expect, test } from "vitest";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import { STORIES_KNOWN_MAX, storyOfStream, toldBy } from "../../shared/runtime/stream-story.ts";

const fact = (apply: string, correlation: string) => ({ correlation, data: { apply } }) as unknown as AnyFact;
const NOTHING = { stories: new Map<unknown, string>(), isAll: true };
const about = (apply: string) => [{ data: { apply } }];

/** A ledger whose stream is these facts; counts how often it is read. */
function ledgerOf(facts: readonly AnyFact[]) {
  const asked = { times: 0 };
  const ledger = {
    read: async () => {
      asked.times += 1;
      return { version: facts.length, facts };
    },
  } as unknown as Ledger;
  return { ledger, asked };
}

test("an apply goes on in its own story, and a new one has none, without a look at the stream", async () => {
  const facts = [fact("a", "00-a"), fact("b", "00-b"), fact("a", "00-a2"), fact("a", "")];
  const { ledger, asked } = ledgerOf(facts);
  const told = toldBy(NOTHING, facts);
  const of = (apply: string) => storyOfStream(ledger, "stacks/site", about(apply), told);
  expect(await Promise.all(["a", "b", "c"].map(of))).toEqual(["00-a2", "00-b", ""]);
  expect(asked.times).toBe(0);
});

test("the story of an apply that was forgotten is looked up", async () => {
  const facts = Array.from({ length: STORIES_KNOWN_MAX + 1 }, (_, index) => fact(`${index}`, `00-${index}`));
  const { ledger, asked } = ledgerOf(facts);
  const told = toldBy(NOTHING, facts);
  expect(told.stories.size).toBe(STORIES_KNOWN_MAX);
  expect(await storyOfStream(ledger, "stacks/site", about("0"), told)).toBe("00-0");
  expect(asked.times).toBe(1);
});

test("a plan is one story to its end", async () => {
  const facts = [fact("a", "00-first"), fact("a", "00-last")];
  const told = toldBy(NOTHING, facts);
  expect(await storyOfStream(ledgerOf(facts).ledger, "stacks/site/plans/p1", [], told)).toBe("00-last");
});
