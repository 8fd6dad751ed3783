// Work that comes round: one run after the other, with a pause between them.
import type { Clock } from "../ports/clock.ts";
import type { Log } from "./log.ts";

/**
 * Runs the work at once and then `pauseMs` after each end, until stopped. A failure is logged and does not end the loop.
 * `stop` resolves when the run under way has ended.
 */
export function repeat(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  what: string,
  pauseMs: number,
  work: () => Promise<void>,
): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.error({ what, error }, "repeated work failed, the next round tries again");
      }
      await clock.sleep(pauseMs, stopped.signal);
    }
  };
  const running = loop();
  return {
    async stop() {
      stopped.abort();
      await running;
    },
  };
}
