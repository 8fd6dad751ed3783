// Virtual time: it jumps to the earliest timer when nothing is held, so a month passes in a moment.
import type { WorkflowClock } from "./execute.ts";

/** A clock that tests turn, or that turns itself. */
export interface VirtualClock extends WorkflowClock {
  hold(): () => void;
  /** Moves time on, firing timers in order on the way. */
  advanceTo(dueMs: number): void;
  /** Timers that wait. */
  timers(): number;
}

interface Timer {
  readonly dueMs: number;
  fire(): void;
}

/** Puts a timer behind all that are due no later: those of one moment fire in the order in which they were set. */
function insert(timers: Timer[], timer: Timer): void {
  let [low, high] = [0, timers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timers[middle] as Timer).dueMs <= timer.dueMs) low = middle + 1;
    else high = middle;
  }
  timers.splice(low, 0, timer);
}

/** A virtual clock; with `automatic` (the default) it jumps by itself once all work waits for timers. */
export function createVirtualClock(
  options: { readonly startMs?: number; readonly automatic?: boolean } = {},
): VirtualClock {
  let nowMs = options.startMs ?? 0;
  let holds = 0;
  let checking = false;
  const timers: Timer[] = [];

  const fireNext = (): void => {
    const next = timers.shift();
    if (next === undefined) return;
    nowMs = Math.max(nowMs, next.dueMs);
    next.fire();
  };
  // A turn of the event loop later everything that a timer set off has taken its hold.
  const check = (): void => {
    if (checking || options.automatic === false) return;
    checking = true;
    setImmediate(() => {
      checking = false;
      if (holds === 0 && timers.length > 0) {
        fireNext();
        check();
      }
    });
  };
  const hold = (): (() => void) => {
    holds++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      holds--;
      if (holds === 0) check();
    };
  };
  const sleepUntil = (dueMs: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const timer: Timer = { dueMs, fire: () => resolve() };
      insert(timers, timer);
      const stop = (): void => {
        const index = timers.indexOf(timer);
        if (index >= 0) timers.splice(index, 1);
        resolve();
      };
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      check();
    });
  const advanceTo = (dueMs: number): void => {
    while (timers.length > 0 && (timers[0] as Timer).dueMs <= dueMs) fireNext();
    nowMs = Math.max(nowMs, dueMs);
  };
  return { now: () => nowMs, sleepUntil, hold, advanceTo, timers: () => timers.length };
}
