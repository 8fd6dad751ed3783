// When a process is asked to stop.

/** One Ctrl-C arrives several times: from the terminal, from the launcher and from npm. Later than this it is another one. */
const SAME_REQUEST_MS = 1_000;

/** Resolves when the process is asked to stop; a second request ends it at once. */
export function stopRequested(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: number | undefined;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        first ??= performance.now();
        if (performance.now() - first > SAME_REQUEST_MS) process.exit(130);
        resolve(signal);
      });
    }
  });
}

/**
 * Runs `stop` when the process was asked to stop, and then ends it: libraries hold timers for calls that were given up, and one of them
 * rejects such a call into nowhere once its client was closed, which would end a stopped process with an error. `asked` is made before
 * the port is open: whoever sees it open may ask at once, and a process that does not listen to that is killed amid its first answers.
 */
export function stopWhenAsked(asked: Promise<NodeJS.Signals>, stop: () => Promise<void>): void {
  void asked.then(stop).then(() => process.exit(0));
}
