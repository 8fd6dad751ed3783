// Streams that are open: how many there may be, and how each of them ends.
import { Readable } from "node:stream";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Log } from "../../../shared/runtime/log.ts";

/** Streams of all callers at one time. */
export const STREAMS_MAX = 64;
/** Streams of one caller at one time. */
export const STREAMS_PER_CALLER_MAX = 8;
/** A stream ends after this long and its client comes back: then its token is looked at again. */
export const STREAM_AGE_MS_MAX = 15 * 60_000;
/** A client that does not read the end of its stream is cut off after this long. */
export const STREAM_END_MS_MAX = 10_000;

/** Open streams. */
export interface Streams {
  /** Opens one for this caller; RESOURCE_EXHAUSTED when there are too many. `produce` ends its text when the signal aborts. */
  open(caller: string, produce: (signal: AbortSignal) => AsyncIterable<string>): Readable;
  /** Ends all of them. */
  endAll(): void;
}

function tooMany(caller: string, whose: "all callers" | "caller", limit: number): ControlPlaneError {
  return new ControlPlaneError(
    "RESOURCE_EXHAUSTED",
    whose === "caller"
      ? `${caller} has ${limit} streams of facts open, and may have no more: close one.`
      : `${limit} streams of facts are open, and there may be no more: try again later, or list facts instead.`,
    { reason: "TOO_MANY_STREAMS", metadata: { caller, limit: String(limit) } },
  );
}

/** No streams yet. */
export function createStreams({ clock, log }: { readonly clock: Clock; readonly log: Log }): Streams {
  const streams = new Map<AbortController, string>();

  /** A failure ends the text as an age does: the client comes back, and is told then what is wrong. */
  async function* endingQuietly(texts: AsyncIterable<string>, caller: string): AsyncGenerator<string> {
    try {
      yield* texts;
    } catch (error) {
      log.warn({ caller, error }, "A stream of facts ended because the ledger could not be read.");
    }
  }

  async function endInTime(stream: Readable, ending: AbortController, closed: AbortSignal): Promise<void> {
    await clock.sleep(STREAM_AGE_MS_MAX, closed);
    ending.abort();
    await clock.sleep(STREAM_END_MS_MAX, closed);
    stream.destroy();
  }

  return {
    open(caller, produce) {
      if (streams.size >= STREAMS_MAX) throw tooMany(caller, "all callers", STREAMS_MAX);
      const its = [...streams.values()].filter((each) => each === caller).length;
      if (its >= STREAMS_PER_CALLER_MAX) throw tooMany(caller, "caller", STREAMS_PER_CALLER_MAX);
      const ending = new AbortController();
      const closed = new AbortController();
      const texts = endingQuietly(produce(ending.signal), caller);
      const stream = new Readable({
        read() {
          void texts.next().then(({ done, value }) => this.push(done === true ? null : value));
        },
        // Not `Readable.from`: that would wait for the next text before it lets go.
        destroy(error, callback) {
          streams.delete(ending);
          ending.abort();
          closed.abort();
          callback(error);
        },
      });
      streams.set(ending, caller);
      void endInTime(stream, ending, closed.signal);
      return stream;
    },
    endAll() {
      for (const ending of streams.keys()) ending.abort();
    },
  };
}
