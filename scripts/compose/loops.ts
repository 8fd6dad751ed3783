// What Scheduler does on Google Cloud: every service puts right what no fact tells, every so often, one pass at a time.
import type { Clock } from "../../shared/ports/clock.ts";
import { withDeadline } from "../../shared/runtime/deadline.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import type { Log } from "../../shared/runtime/log.ts";

/** Between two passes of a service's reconciler. */
export const RECONCILE_EVERY_MS = 250;
/** How long a pass may take: the next one starts then, since every pass is safe to repeat. */
export const PASS_TIME_MAX_MS = 120_000;
/** Between two scrapes of the gateway's counters. */
export const SCRAPE_EVERY_MS = 1_000;
/** Between two looks for deliveries that were received and not handled. */
export const RECEIPTS_EVERY_MS = 5_000;

/** What is called again and again. */
export interface LoopPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly services: readonly FactService[];
  readonly metrics: { scrape(): Promise<unknown> };
  readonly webhook: { sweep(): Promise<void> };
  /** A loop of its own, since it must go on while the services wait for a ledger that does not answer. */
  readonly warmUps: () => Promise<void>;
}

/** Starts one loop a service. A pass that fails is logged and tried again: it changes nothing half-way. */
export function startLoops({ clock, log, services, metrics, webhook, warmUps }: LoopPorts): {
  stop(): Promise<void>;
} {
  const stopped = new AbortController();
  const { signal } = stopped;
  const loop = async (name: string, everyMs: number, pass: () => Promise<void>): Promise<void> => {
    while (!signal.aborted) {
      try {
        await withDeadline(clock, PASS_TIME_MAX_MS, `A reconciling pass of ${name}`, pass);
      } catch (error) {
        log.warn({ service: name, error }, "A reconciling pass failed; the next one tries again.");
      }
      await clock.sleep(everyMs, signal);
    }
  };
  const loops = services.flatMap((service) =>
    service.reconcile === undefined
      ? []
      : [loop(service.name, RECONCILE_EVERY_MS, () => service.reconcile?.() ?? Promise.resolve())],
  );
  loops.push(loop("warm-ups", RECONCILE_EVERY_MS, warmUps));
  loops.push(loop("metrics", SCRAPE_EVERY_MS, async () => void (await metrics.scrape())));
  loops.push(loop("webhook", RECEIPTS_EVERY_MS, () => webhook.sweep()));
  return {
    async stop() {
      stopped.abort();
      await Promise.all(loops);
    },
  };
}
