// Many who ask for the same pass at once share one.

/**
 * The work, one pass at a time. Who asks during a pass waits for the next one, together with everybody else who does: what
 * they know of may have come too late for the pass under way. At most one waits behind the one that runs.
 */
export function coalesced(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    next = undefined;
    running = work().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running.then(start, start);
    return next;
  };
}
