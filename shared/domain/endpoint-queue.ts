// Whose turn it is on an endpoint: one rollout runs, the others wait in the order in which they came.

/** One running rollout and those that wait, by name. */
export interface RolloutQueue {
  readonly running: string | null;
  readonly waiting: readonly string[];
}

/** The queue with the oldest waiting rollout running, if nothing runs and the endpoint is not held. */
function nextTurn({ running, waiting }: RolloutQueue, held: boolean): RolloutQueue {
  const [oldest, ...rest] = waiting;
  return running !== null || held || oldest === undefined
    ? { running, waiting }
    : { running: oldest, waiting: rest };
}

/** The queue after a rollout has joined it; undefined when it was in there already. */
export function joined(queue: RolloutQueue, rollout: string, held: boolean): RolloutQueue | undefined {
  if (queue.running === rollout || queue.waiting.includes(rollout)) return undefined;
  return nextTurn({ ...queue, waiting: [...queue.waiting, rollout] }, held);
}

/** The queue after a rollout has ended, running or waiting; undefined when it was not in there. */
export function left(queue: RolloutQueue, rollout: string, held: boolean): RolloutQueue | undefined {
  if (queue.running === rollout) return nextTurn({ ...queue, running: null }, held);
  if (!queue.waiting.includes(rollout)) return undefined;
  return { ...queue, waiting: queue.waiting.filter((name) => name !== rollout) };
}

/** The queue after the endpoint was resumed; undefined when nobody's turn has come. */
export function released(queue: RolloutQueue): RolloutQueue | undefined {
  const next = nextTurn(queue, false);
  return next.running === queue.running ? undefined : next;
}
