/** A message that a service could not handle, as it failed. */
export interface FailedMessage {
  /** `{service}/{message}`: the same message of the same service is the same letter. */
  readonly id: string;
  /** The subscription that gave up; `relay` when it is not known which did. */
  readonly service: string;
  readonly reason: string;
  readonly message: string;
  /** The message as it arrived. */
  readonly payload: unknown;
  /** RFC 3339 of this failure. */
  readonly time: string;
}

/** A hopeless message, kept for a person; reason, message and time are those of its newest failure. */
export interface DeadLetter extends FailedMessage {
  /** RFC 3339 of its first failure. */
  readonly createTime: string;
  /** How often it has failed: once, and once more for every replay that did not help. */
  readonly failures: number;
  /** `waiting` for a person, or `replaying`: a person has asked for it to be given to its service again. */
  readonly state: "waiting" | "replaying";
  /** RFC 3339 since when it is in that state. */
  readonly since: string;
}

/** Which letters to list. */
export interface DeadLetterQuery {
  /** Id of a letter of an earlier page; letters strictly after it. */
  readonly after?: string;
  readonly state?: DeadLetter["state"];
}

/**
 * The list of dead letters. Law: putting the same id again keeps the first, unless the letter is being replayed: then it is
 * the replay's failure, counts, and the letter waits again. Nothing is dropped silently: only `change` to `gone` removes one.
 */
export interface DeadLetters {
  put(letter: FailedMessage): Promise<void>;
  get(id: string): Promise<DeadLetter | undefined>;
  /** The newest ones first, and how many letters there are in all. */
  list(
    limit: number,
    query?: DeadLetterQuery,
  ): Promise<{ readonly letters: readonly DeadLetter[]; readonly total: number }>;
  /** Changes the state of a letter that has failed so often and no more; false: it has failed again, or is gone. */
  change(id: string, failures: number, to: "replaying" | "gone", time: string): Promise<boolean>;
}
