// Verifies the newest move of an endpoint by what its backends counted, where users follow a move later than its document.
import { arrivalOf } from "../../shared/domain/move-arrival.ts";
import type { TrafficDocument } from "../../shared/domain/traffic.ts";
import type { RolloutServicePorts } from "./ports.ts";

/** How long a load balancer may take to follow its route; with scrapes and ingestion before it can be seen. */
export const ARRIVAL_TIME_MAX_MS = 120_000;
/** A move that nobody could verify for so long is left alone: an endpoint that nobody asks would be looked at for ever. */
export const ARRIVAL_WATCHED_MAX_MS = 3_600_000;

/** Looks at the newest move of one endpoint after another. Each move is verified once by this process; a failure throws. */
export function createVerifier({
  counters,
  clock,
  log,
}: Pick<RolloutServicePorts, "counters" | "clock" | "log">) {
  const verified = new Map<string, number>();
  return async (endpoint: string, { traffic, weights }: TrafficDocument): Promise<void> => {
    const [move] = traffic.moves;
    if (counters === undefined || move === undefined || verified.get(endpoint) === move.epoch) return;
    const movedMs = Date.parse(move.time);
    const nowMs = clock.now().getTime();
    if (nowMs - movedMs > ARRIVAL_WATCHED_MAX_MS) return;
    const readings = await counters.samples(endpoint, move.time, clock.now().toISOString());
    const samples = readings.map(({ backend, time, ...counted }) => ({
      ...counted,
      version: backend,
      timeMs: Date.parse(time),
    }));
    const arrival = arrivalOf(movedMs, weights, samples);
    const about = { endpoint, epoch: move.epoch, kind: move.kind };
    if (arrival.kind === "arrived") {
      verified.set(endpoint, move.epoch);
      log.info({ ...about, afterMs: arrival.atMs - movedMs }, "Requests go where the last move sent them.");
    } else if (arrival.kind === "under-way" && nowMs - movedMs > ARRIVAL_TIME_MAX_MS) {
      const { strays, missing } = arrival;
      log.error(
        { ...about, strays, missing },
        "Requests do not go where the last move sent them: look at the status of the HTTPRoute and at its Gateway.",
      );
    }
  };
}
