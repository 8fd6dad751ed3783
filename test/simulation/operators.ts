// Operators look after dead letters: now and then one replays them while traffic goes on, and at the end all of them.
import type { AnyFact } from "../../shared/domain/fact.ts";
import { type Callers, persist } from "./client.ts";

const LETTERS_MAX = 1_000;

/** Operators of a history. */
export function createOperators(callers: Callers) {
  const { outside } = callers;
  const replayed = new Set<string>();
  return {
    /** Gives every dead letter to the services again that was not given since. `all`: also those that were. */
    async replay(all: boolean): Promise<void> {
      const { letters } = await outside.deadLetters.list(LETTERS_MAX);
      for (const { id, payload } of letters.toReversed()) {
        if (!all && replayed.has(id)) continue;
        replayed.add(id);
        outside.history.mark("a dead letter replayed");
        await persist(callers, "grace", `replays ${id}`, ({ ports }) =>
          ports.local.publish(payload as AnyFact),
        );
      }
    },
    /** Whether a dead letter waits that nobody has given to the services again. */
    async haveWork(): Promise<boolean> {
      const { letters } = await outside.deadLetters.list(LETTERS_MAX);
      return letters.some(({ id }) => !replayed.has(id));
    },
  };
}

/** The operators of a history. */
export type Operators = ReturnType<typeof createOperators>;
