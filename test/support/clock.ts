// A clock that tests turn by hand.
import type { Clock } from "../../shared/ports/clock.ts";

/** When virtual time begins, unless a test says otherwise. */
export const CLOCK_START = "2026-01-02T03:04:05.000Z";

/** Turns of the event loop in which code between two sleeps may do its work (a SQLite commit takes one). */
const TURNS_BETWEEN_SLEEPS = 10;

/** Virtual time: it stands still until `advance` moves it. */
export interface VirtualClock extends Clock {
  /**
   * Moves time on by `ms`, waking sleepers in the order of their time; between two of them the woken code runs for a few
   * turns of the event loop, so that its next sleep is seen.
   */
  advance(ms: number): Promise<void>;
  /** How many sleeps are waiting. */
  sleeping(): number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Lets everything run that waits for promises or for the next turns of the event loop only. */
export async function turns(count: number = TURNS_BETWEEN_SLEEPS): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A virtual clock that begins at `start` (RFC 3339). */
export function createVirtualClock(start: string = CLOCK_START): VirtualClock {
  let now = Date.parse(start);
  const sleepers = new Set<Sleeper>();
  const next = (until: number): Sleeper | undefined =>
    [...sleepers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
  return {
    now: () => new Date(now),
    sleep(ms, signal) {
      if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper: Sleeper = { at: now + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake, { once: true });
      });
    },
    async advance(ms) {
      const until = now + ms;
      await turns();
      for (let sleeper = next(until); sleeper !== undefined; sleeper = next(until)) {
        now = Math.max(now, sleeper.at);
        sleeper.wake();
        await turns();
      }
      now = until;
      await turns();
    },
    sleeping: () => sleepers.size,
  };
}
