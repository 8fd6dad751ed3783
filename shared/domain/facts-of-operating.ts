// Facts about the control plane's own work: what people did with messages that no retry could help.
import Type from "typebox";

const Text = Type.String();
const Count = Type.Integer({ minimum: 0 });

/** The letter's subscription, and how often the message has failed by then. */
const letter = { service: Text, failures: Count };

/** Facts on `deadLetters/{letter}`. */
export const FACTS_OF_OPERATING = {
  /** A person asked for the message to be given to its service again. */
  "dead-letter.replay-requested": Type.Object({ ...letter, reason: Text }),
  /** The service has handled it: the letter is gone. */
  "dead-letter.replayed": Type.Object(letter),
  /** It failed again: the letter waits for a person as before. */
  "dead-letter.returned": Type.Object({ ...letter, reason: Text, message: Text }),
  /** A person gave the message up. */
  "dead-letter.purged": Type.Object({ ...letter, reason: Text }),
} as const;
