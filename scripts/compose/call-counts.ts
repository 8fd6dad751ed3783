// What Google would bill this process for, counted by the adapters and kept in a file for whoever multiplies it by prices. Loops that
// run here every second stand for schedules that call every few minutes, so what they do is counted for itself.
import { AsyncLocalStorage } from "node:async_hooks";
import { writeFileSync } from "node:fs";
import type { FirestoreCounts } from "../../shared/adapters/google/firestore.ts";

/** How often the file is written. */
const KEEP_EVERY_MS = 250;

/** Documents of Firestore and messages of Pub/Sub. */
export interface CallTally {
  reads: number;
  writes: number;
  deletes: number;
  publishes: number;
}

/** Of one process: what was done for pushes and requests, and what its loops did in so many passes. */
export interface CallCounts {
  readonly work: CallTally;
  readonly loops: CallTally & { passes: number };
}

const none = (): CallTally => ({ reads: 0, writes: 0, deletes: 0, publishes: 0 });
const inLoop = new AsyncLocalStorage<true>();
const counts: CallCounts = { work: none(), loops: { ...none(), passes: 0 } };
const current = (): CallTally => (inLoop.getStore() === true ? counts.loops : counts.work);

/** Counts for an adapter: they go to the work or the loop that it is called by. */
export function countsOfCaller(): FirestoreCounts {
  const property = (name: keyof FirestoreCounts): PropertyDescriptor => ({
    enumerable: true,
    get: () => current()[name],
    set: (value: number) => void (current()[name] = value),
  });
  return Object.defineProperties({} as FirestoreCounts, {
    reads: property("reads"),
    writes: property("writes"),
    deletes: property("deletes"),
  });
}

/** Told of a call of Pub/Sub. */
export function countPublish(): void {
  current().publishes += 1;
}

/** A pass of a loop: what it calls is counted as such. */
export function countedPass<Answer>(pass: () => Promise<Answer>): Promise<Answer> {
  counts.loops.passes += 1;
  return inLoop.run(true, pass);
}

/** Keeps the counts in a file, if one is named; answers what writes them for the last time. */
export function keepCounts(file: string | undefined): () => void {
  if (file === undefined || file === "") return () => {};
  const write = (): void => writeFileSync(file, JSON.stringify(counts));
  const timer = setInterval(write, KEEP_EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    write();
  };
}
