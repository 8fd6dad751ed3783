// The wall clock of this machine.
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";

/** Longest time that one timer of Node can wait (2^31 − 1 ms); longer sleeps are several timers. */
const TIMER_MS_MAX = 2_147_483_647;

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  const end = performance.now() + ms;
  const stopped = (): boolean => signal?.aborted ?? false;
  for (let left = ms; left > 0 && !stopped(); left = end - performance.now()) {
    try {
      await wait(Math.min(left, TIMER_MS_MAX), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!stopped()) throw error;
    }
  }
}

/** Real time. */
export const systemClock: Clock = { now: () => new Date(), sleep };
