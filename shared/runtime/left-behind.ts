// What need not precede the next step of a request, but must be done before its answer: an instance may be put to sleep then.
import { AsyncLocalStorage } from "node:async_hooks";

const requests = new AsyncLocalStorage<Set<Promise<void>>>();

/** Runs the work; ends when the work has ended, and with it everything that it left behind. */
export async function withLeftBehind<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  const left = new Set<Promise<void>>();
  try {
    return await requests.run(left, work);
  } finally {
    while (left.size > 0) await Promise.all(left);
  }
}

/**
 * Leaves work that never rejects to the end of the request, and resolves at once. Outside of a request that waits for what is left
 * behind, it resolves with the work.
 */
export async function leaveBehind(work: Promise<void>): Promise<void> {
  const left = requests.getStore();
  if (left === undefined) return work;
  const mine = work.finally(() => left.delete(mine));
  left.add(mine);
}
