// Decider of one dead letter: who asked for its replay, what came of it, and who gave it up. The letter itself, with its
// message, is in the list of dead letters; this is the record of what was done about it.
import { type Decider, type Decision, happens, ignored } from "./decider.ts";
import { formatName } from "./names.ts";

/** Facts of a dead letter's stream. */
export type DeadLetterFactType =
  | "dead-letter.replay-requested"
  | "dead-letter.replayed"
  | "dead-letter.returned"
  | "dead-letter.purged";

/** A letter as its record tells it. The same message may become a letter again after it was replayed or purged. */
export interface DeadLetterState {
  /** The failures that the replay under way answers; undefined while none is under way. */
  readonly replaying?: number;
}

/** What can happen to a letter that has failed `failures` times. */
export type DeadLetterInput = { readonly service: string; readonly failures: number } & (
  | { readonly kind: "replay"; readonly reason: string }
  | { readonly kind: "replayed" }
  | { readonly kind: "returned"; readonly reason: string; readonly message: string }
  | { readonly kind: "purge"; readonly reason: string }
);

/** Longest message of a failure that is kept as a fact, in characters. The letter has all of it. */
const MESSAGE_CHARACTERS_MAX = 1_000;

function decide({ replaying }: DeadLetterState, input: DeadLetterInput): Decision<DeadLetterFactType> {
  const { kind, service, failures } = input;
  switch (kind) {
    case "replay":
      return replaying === failures
        ? ignored("this failure is being replayed already")
        : happens([
            { type: "dead-letter.replay-requested", data: { service, failures, reason: input.reason } },
          ]);
    case "replayed":
      return replaying === undefined
        ? ignored("no replay is under way")
        : happens([{ type: "dead-letter.replayed", data: { service, failures } }]);
    case "returned": {
      const { reason } = input;
      const message = input.message.slice(0, MESSAGE_CHARACTERS_MAX);
      return replaying === undefined
        ? ignored("no replay is under way")
        : happens([{ type: "dead-letter.returned", data: { service, failures, reason, message } }]);
    }
    case "purge":
      return happens([{ type: "dead-letter.purged", data: { service, failures, reason: input.reason } }]);
  }
}

/** The rule of one dead letter. */
export const deadLetter: Decider<DeadLetterState, DeadLetterInput, DeadLetterFactType> = {
  initial: {},
  decide,
  evolve: (_, fact) =>
    fact.type === "dead-letter.replay-requested" ? { replaying: fact.data.failures } : {},
};

/** The resource name of a letter. Its id is `{service}/{message}`, and no service has a dash in its name. */
export function deadLetterName(id: string): string {
  return formatName("deadLetter", { deadLetter: id.replace("/", "-") });
}

/** The id of the letter of this resource id: the reverse of `deadLetterName`. */
export function deadLetterId(resourceId: string): string {
  return resourceId.replace("-", "/");
}
