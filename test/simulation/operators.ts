// Operators look after dead letters: now and then one asks for their replay while traffic goes on, and at the end for that of all.
import { deadLetterName } from "../../shared/domain/dead-letter.ts";
import { replay } from "../../services/api/dead-letters/decisions.ts";
import { type Callers, persist } from "./client.ts";
import { POISON } from "./carriers.ts";

const LETTERS_MAX = 1_000;

/** Operators of a history. */
export function createOperators(callers: Callers) {
  const { outside } = callers;
  /** Letters that somebody can do something about: what a service cannot handle for good stays, and is a problem. */
  const waiting = async () => {
    const { letters } = await outside.deadLetters.list(LETTERS_MAX);
    return letters.filter(({ reason }) => reason === POISON);
  };
  return {
    /** Asks for the replay of every dead letter that waits for one. */
    async replay(): Promise<void> {
      for (const { id, state } of (await waiting()).toReversed()) {
        if (state === "replaying") continue;
        outside.history.mark(
          outside.faults.healed() ? "a dead letter replayed" : "a dead letter replayed during traffic",
        );
        const [letter = ""] = deadLetterName(id).split("/").slice(-1);
        await persist(callers, "grace", `replays ${id}`, ({ ports }) =>
          replay(ports, { letter, reason: "mended", actor: "grace" }),
        );
      }
    },
    /** Whether a dead letter is there that a replay may help. */
    haveWork: async (): Promise<boolean> => (await waiting()).length > 0,
  };
}

/** The operators of a history. */
export type Operators = ReturnType<typeof createOperators>;
