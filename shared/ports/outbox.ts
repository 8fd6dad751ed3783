import type { AnyFact } from "../domain/fact.ts";

/** A fact that waits to be published. */
export interface OutboxRow {
  readonly fact: AnyFact;
  readonly attempts: number;
  /** RFC 3339 of the append. */
  readonly since: string;
}

/** A timer that waits for its time. */
export interface TimerRow {
  readonly id: string;
  readonly stream: string;
  readonly name: string;
  readonly due: string;
}

/**
 * What the ledger's batches left to be published. Rows are written only by `Ledger.append`.
 * Law: a row is pending until it is settled; settling twice is harmless; settled rows are kept, marked, and expire.
 */
export interface Outbox {
  /** Rows whose next attempt is due at `now`, oldest first. */
  pending(now: string, limit: number): Promise<readonly OutboxRow[]>;
  /** Marks rows published, or sets when the next attempt is due. */
  settle(
    factId: string,
    result: { published: true; time: string } | { published: false; nextAttempt: string },
  ): Promise<void>;
  /** Timers due at `now` that have not fired, oldest first. */
  timersDue(now: string, limit: number): Promise<readonly TimerRow[]>;
  /** Marks a timer fired. */
  timerFired(id: string, time: string): Promise<void>;
}
