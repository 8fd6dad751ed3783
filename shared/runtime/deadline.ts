// Waiting has an end: every await on the outside world is given a time after which it counts as failed.
import { ControlPlaneError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";

/** Why a clock that nobody needs any more stops. One reason for all: an exception of its own for each would cost more than the work. */
const DONE = new Error("The work was done in time.");

/**
 * The answer of `work`, or DEADLINE_EXCEEDED after `ms`. The signal aborts then, so that work that listens can stop;
 * work that does not listen goes on unwatched, which its caller must be able to bear (everything of ours is safe to repeat).
 */
export async function withDeadline<Answer>(
  clock: Clock,
  ms: number,
  what: string,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const late = new AbortController();
  const done = new AbortController();
  const timeout = Promise.withResolvers<never>();
  void clock.sleep(ms, done.signal).then(() => {
    if (done.signal.aborted) return;
    const error = new ControlPlaneError(
      "DEADLINE_EXCEEDED",
      `${what} took longer than ${ms} ms. Try again.`,
      {
        reason: "DEADLINE_EXCEEDED",
        metadata: { what, limitMs: String(ms) },
      },
    );
    late.abort(error);
    timeout.reject(error);
  });
  try {
    return await Promise.race([work(late.signal), timeout.promise]);
  } finally {
    done.abort(DONE);
  }
}
