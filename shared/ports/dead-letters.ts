/** A hopeless message, kept for a person. */
export interface DeadLetter {
  readonly id: string;
  /** The service that could not handle it. */
  readonly service: string;
  readonly reason: string;
  readonly message: string;
  /** The message as it arrived. */
  readonly payload: unknown;
  readonly time: string;
}

/** The list of dead letters. Law: putting the same id twice keeps the first; nothing is dropped silently. */
export interface DeadLetters {
  put(letter: DeadLetter): Promise<void>;
  list(limit: number): Promise<{ readonly letters: readonly DeadLetter[]; readonly total: number }>;
}
