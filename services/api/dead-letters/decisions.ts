// What a person decides about a dead letter: to have it given to its service once more, or to give it up. Who did it and why
// is a fact before anything is changed; the relay carries a replay out.
import {
  deadLetter,
  deadLetterId,
  type DeadLetterInput,
  deadLetterName,
} from "../../../shared/domain/dead-letter.ts";
import { failedPrecondition, notFound } from "../../../shared/domain/errors.ts";
import type { DeadLetter, DeadLetters } from "../../../shared/ports/dead-letters.ts";
import { factOfLetter } from "../../../shared/runtime/push-message.ts";
import { record, type RecordPorts } from "../../../shared/runtime/record.ts";

/** What deciding needs. */
export interface DeadLetterPorts extends RecordPorts {
  readonly deadLetters: Pick<DeadLetters, "list" | "get" | "change">;
}

/** A person's decision about a letter. */
export interface LetterDecision {
  /** The last part of its resource name. */
  readonly letter: string;
  readonly reason: string;
  readonly actor: string;
}

/** The letter, or NOT_FOUND. */
export async function findLetter({ deadLetters }: DeadLetterPorts, resourceId: string): Promise<DeadLetter> {
  const found = await deadLetters.get(deadLetterId(resourceId));
  if (found !== undefined) return found;
  throw notFound(
    `deadLetters/${resourceId}`,
    "It may have been replayed or purged: GET /v1/facts?subject=deadLetters/… says by whom.",
  );
}

function requireFact(letter: DeadLetter): void {
  try {
    factOfLetter(letter.payload);
  } catch (error) {
    throw failedPrecondition(
      "LETTER_UNREADABLE",
      `${deadLetterName(letter.id)} holds no fact that this program can read (${(error as Error).message}): deploy one that can, or purge the letter.`,
      { letter: deadLetterName(letter.id) },
    );
  }
}

async function decided(
  ports: DeadLetterPorts,
  letter: DeadLetter,
  input: DeadLetterInput,
  actor: string,
): Promise<void> {
  await record(ports, deadLetter, {
    stream: deadLetterName(letter.id),
    // One decision of a kind for each failure: whoever presses again is answered as the first was.
    cause: `${input.kind}/${letter.createTime}/${letter.failures}`,
    input,
    actor,
    inputHash: input.kind,
  });
}

/** The letter after a change, or NOT_FOUND when someone else was first and it is gone. */
const changed = (ports: DeadLetterPorts, { letter }: LetterDecision): Promise<DeadLetter> =>
  findLetter(ports, letter);

/**
 * Asks for the letter to be given to the one service that gave up, and to no other. Safe to repeat.
 * Errors: NOT_FOUND, FAILED_PRECONDITION `LETTER_UNREADABLE`.
 */
export async function replay(ports: DeadLetterPorts, decision: LetterDecision): Promise<DeadLetter> {
  const letter = await findLetter(ports, decision.letter);
  const { id, service, failures, state } = letter;
  if (state === "replaying") return letter;
  requireFact(letter);
  const { reason, actor } = decision;
  await decided(ports, letter, { kind: "replay", service, failures, reason }, actor);
  await ports.deadLetters.change(id, failures, "replaying", ports.clock.now().toISOString());
  return changed(ports, decision);
}

/** Gives a letter up: it is gone from the list, and the record says who did it and why. Errors: NOT_FOUND, FAILED_PRECONDITION while it is being replayed. */
export async function purge(ports: DeadLetterPorts, decision: LetterDecision): Promise<DeadLetter> {
  const letter = await findLetter(ports, decision.letter);
  const { id, service, failures, state } = letter;
  if (state === "replaying") {
    throw failedPrecondition(
      "LETTER_REPLAYING",
      `${deadLetterName(id)} is being replayed: wait until it is gone, or back with another failure.`,
      { letter: deadLetterName(id) },
    );
  }
  const { reason, actor } = decision;
  await decided(ports, letter, { kind: "purge", service, failures, reason }, actor);
  await ports.deadLetters.change(id, failures, "gone", ports.clock.now().toISOString());
  return letter;
}
