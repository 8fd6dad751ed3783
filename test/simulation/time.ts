// Virtual time of a simulated history: it jumps from one sleeper to the next, and stands still until everybody has come to rest.
import type { Clock } from "../../shared/ports/clock.ts";
import { CLOCK_START } from "../support/clock.ts";

/** Turns of the event loop in which one moment of virtual time must come to an end, or something spins. */
const TURNS_MAX = 20_000;
/** Turns without any call after which nothing goes on at this moment any more: a commit that was asked for takes one. */
const QUIET_TURNS = 2;

interface Sleeper {
  readonly at: number;
  readonly order: number;
  wake: (() => void) | undefined;
}

/** Time of a history. */
export interface SimulatedTime extends Clock {
  /** Says that something happened, so that this moment is not over. */
  stir(): void;
  /** Moves on to `until` (epoch milliseconds), or to where `enough` says so; sleepers wake in the order of their time. */
  advanceTo(until: number, enough?: () => boolean): Promise<void>;
  /** Lets everything happen that needs no more virtual time. */
  settle(): Promise<void>;
}

const earlier = (one: Sleeper, other: Sleeper): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);

/** Sleepers by time, and by who came first. */
function createHeap() {
  const heap: Sleeper[] = [];
  const swap = (one: number, other: number): void => {
    const [first, second] = [heap[one], heap[other]];
    if (first === undefined || second === undefined) return;
    heap[one] = second;
    heap[other] = first;
  };
  const before = (one: number, other: number): boolean => {
    const [first, second] = [heap[one], heap[other]];
    return first !== undefined && second !== undefined && earlier(first, second);
  };
  return {
    first: (): Sleeper | undefined => heap[0],
    add(sleeper: Sleeper): void {
      heap.push(sleeper);
      for (let at = heap.length - 1; at > 0; at = (at - 1) >> 1) {
        if (!before(at, (at - 1) >> 1)) return;
        swap(at, (at - 1) >> 1);
      }
    },
    removeFirst(): void {
      swap(0, heap.length - 1);
      heap.pop();
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const least = before(left + 1, left) ? left + 1 : left;
        if (!before(least, at)) return;
        swap(at, least);
        at = least;
      }
    },
  };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Time that begins at `start` (RFC 3339). */
export function createSimulatedTime(start: string = CLOCK_START): SimulatedTime {
  let now = Date.parse(start);
  let order = 0;
  let stirred = 0;
  const sleepers = createHeap();
  const settle = async (): Promise<void> => {
    let quiet = 0;
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const before = stirred;
      await nextTurn();
      quiet = stirred === before ? quiet + 1 : 0;
      if (quiet === QUIET_TURNS) return;
    }
    throw new Error(`One moment of virtual time took ${TURNS_MAX} turns of the event loop: something spins.`);
  };
  return {
    now: () => new Date(now),
    stir: () => void (stirred += 1),
    settle,
    sleep(ms, signal) {
      if (ms <= 0 || signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const sleeper: Sleeper = { at: now + ms, order: order++, wake: undefined };
        const wake = (): void => {
          sleeper.wake = undefined;
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        sleeper.wake = wake;
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake, { once: true });
      });
    },
    async advanceTo(until, enough = () => false) {
      await settle();
      for (;;) {
        const sleeper = sleepers.first();
        if (sleeper === undefined || sleeper.at > until || enough()) break;
        sleepers.removeFirst();
        // One whose signal came first is gone already, and time does not stop for it.
        if (sleeper.wake === undefined) continue;
        now = Math.max(now, sleeper.at);
        sleeper.wake();
        await settle();
      }
      if (!enough()) now = Math.max(now, until);
    },
  };
}
