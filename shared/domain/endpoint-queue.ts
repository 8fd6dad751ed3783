// Whose turn it is on an endpoint: one rollout runs, the others wait in the order in which they came, unless one replaces them.

/** One running rollout and those that wait, by name. */
export interface RolloutQueue {
  readonly running: string | null;
  readonly waiting: readonly string[];
  /** The waiting rollout for which the running one makes room. */
  readonly replacing?: string;
}

/** A queue after a change, and what was taken out of it because something newer replaces it. */
export interface QueueChange {
  readonly queue: RolloutQueue;
  readonly dropped: readonly string[];
}

/** The queue with the oldest waiting rollout running, if nothing runs and the endpoint is not held. */
function nextTurn({ running, waiting }: RolloutQueue, held: boolean): RolloutQueue {
  const [oldest, ...rest] = waiting;
  return running !== null || held || oldest === undefined
    ? { running, waiting }
    : { running: oldest, waiting: rest };
}

/**
 * The queue after a rollout has joined it; undefined when it was in there already. One that replaces drops what waits, and
 * asks what runs to make room; that goes on running until it has.
 */
export function joined(
  queue: RolloutQueue,
  rollout: string,
  { held, replaces }: { readonly held: boolean; readonly replaces: boolean },
): QueueChange | undefined {
  const { running, waiting, replacing } = queue;
  if (running === rollout || waiting.includes(rollout)) return undefined;
  if (running !== null && replaces)
    return { queue: { running, waiting: [rollout], replacing: rollout }, dropped: waiting };
  if (running !== null) {
    const kept = replacing === undefined ? {} : { replacing };
    return { queue: { running, waiting: [...waiting, rollout], ...kept }, dropped: [] };
  }
  const next = { running, waiting: replaces ? [rollout] : [...waiting, rollout] };
  return { queue: nextTurn(next, held), dropped: replaces ? waiting : [] };
}

/** The queue after a rollout has ended, running or waiting; undefined when it was not in there. */
export function left(queue: RolloutQueue, rollout: string, held: boolean): RolloutQueue | undefined {
  if (queue.running === rollout) return nextTurn({ running: null, waiting: queue.waiting }, held);
  if (!queue.waiting.includes(rollout)) return undefined;
  const { replacing, ...rest } = queue;
  const waiting = queue.waiting.filter((name) => name !== rollout);
  // What it was to be replaced by is gone, so the running one runs on.
  return replacing === undefined || replacing === rollout ? { ...rest, waiting } : { ...queue, waiting };
}

/** The queue after the endpoint was resumed; undefined when nobody's turn has come. */
export function released(queue: RolloutQueue): RolloutQueue | undefined {
  const next = nextTurn(queue, false);
  return next.running === queue.running ? undefined : next;
}
