// When to try again, and when to stop trying.

/** First pause after a failure; every further failure doubles it. */
export const BACKOFF_FIRST_MS = 1_000;
/** Longest pause between two attempts. */
export const BACKOFF_LAST_MS = 300_000;
/** How long a transient failure is tried again before a person is asked. Pub/Sub keeps messages as long by default. */
export const RETRY_FOR_MS = 7 * 24 * 3_600_000;

/** Milliseconds to wait after the given number of failed attempts (from 1). */
export function backoffMs(attempts: number): number {
  return Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(attempts - 1, 30), BACKOFF_LAST_MS);
}
