// Says aloud that somebody else has changed the rules of a route (decision 0037). An alert policy looks for these words:
// terraform/control-plane/log-metrics.tf.
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Drift } from "./traffic.ts";

/** A drift is found at every read of its route; it is said again after this time. */
export const DRIFT_SAID_EVERY_MS = 60_000;
/** Endpoints of which is remembered when their drift was said; the one said first is forgotten first. */
export const DRIFTS_REMEMBERED_MAX = 1_000;

/** Writes drifts to the log, as errors. */
export function createDriftLog({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
  const said = new Map<string, { readonly found: string; readonly atMs: number }>();
  return ({ endpoint, expected, found }: Drift): void => {
    const atMs = clock.now().getTime();
    const before = said.get(endpoint);
    const now = { found: JSON.stringify(found), atMs };
    if (before?.found === now.found && atMs - before.atMs < DRIFT_SAID_EVERY_MS) return;
    said.delete(endpoint);
    said.set(endpoint, now);
    const oldest = said.keys().next().value;
    if (said.size > DRIFTS_REMEMBERED_MAX && oldest !== undefined) said.delete(oldest);
    log.error(
      { endpoint, expected, found },
      "The rules of a route were changed by somebody else. The next move writes over them: find out who, or roll back now.",
    );
  };
}
