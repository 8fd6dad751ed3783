// Brings a warm-up to its end: starts the backend again, waits until it is ready, and moves. It needs the traffic document and
// the backends and nothing else, so that it works while the ledger is down, as a rollback does.
import type { ErrorCode } from "../domain/errors.ts";
import { applyMove } from "../domain/traffic-moves.ts";
import type { TrafficDocument, WarmUp } from "../domain/traffic.ts";
import { failWarmUp, openWarmUp, WARM_UP_TIME_MAX_MS } from "../domain/warm-up.ts";
import type { Deploys } from "../ports/deploys.ts";
import { editTraffic, readTraffic, type TrafficPorts } from "./traffic.ts";

/** What warming needs. */
export interface WarmUpPorts extends TrafficPorts {
  readonly deploys: Pick<Deploys, "status" | "warm">;
  /** Prepares a backend that deploys does not remember, as the record tells; false when that does not know it either. */
  readonly prepareAgain: (endpoint: string, version: string) => Promise<boolean>;
}

/** How long the backend may take to say how it stands. */
export const WARM_UP_STATUS_TIMEOUT_MS = 500;

/** The document after the version that was warmed took all traffic; the very document when that warm-up is over. */
function moved(endpoint: string, document: TrafficDocument, id: string, time: string): TrafficDocument {
  const open = openWarmUp(document);
  if (open?.id !== id) return document;
  const { to, cause, actor, reason, requestId, requestHash, hold } = open;
  return applyMove(endpoint, document, {
    kind: "rollback",
    to: { [to]: 100 },
    cause,
    actor,
    reason,
    time,
    ...(requestId === undefined ? {} : { requestId }),
    ...(requestHash === undefined ? {} : { requestHash }),
    ...(hold === undefined ? {} : { hold }),
  });
}

async function start(
  { deploys, prepareAgain }: WarmUpPorts,
  endpoint: string,
  { backend, to }: WarmUp,
): Promise<boolean> {
  return (await deploys.warm(backend)) || prepareAgain(endpoint, to);
}

/** Takes the endpoint's warm-up one look further, if one is under way. Safe to repeat and to race. */
export async function driveWarmUp(ports: WarmUpPorts, endpoint: string): Promise<void> {
  const open = openWarmUp(await readTraffic(ports.traffic, endpoint));
  if (open === undefined) return;
  const { id, backend, to } = open;
  const fail = async (code: ErrorCode, reason: string, message: string): Promise<void> => {
    await editTraffic(ports, endpoint, (document, time) =>
      failWarmUp(document, id, time, { code, reason, message }),
    );
  };
  const { state, message } = await ports.deploys.status(backend, WARM_UP_STATUS_TIMEOUT_MS);
  if (state === "ready") {
    await editTraffic(ports, endpoint, (document, time) => moved(endpoint, document, id, time));
    return;
  }
  if (state === "failed") {
    const remedy = "Traffic stays where it is. Roll back to another version, or register one that works.";
    return fail("FAILED_PRECONDITION", "TARGET_FAILED", `${to} could not be started: ${message} ${remedy}`);
  }
  if (ports.clock.now().getTime() - Date.parse(open.time) > WARM_UP_TIME_MAX_MS) {
    const late = `${to} was not ready within ${WARM_UP_TIME_MAX_MS / 60_000} minutes (${message || state}). Traffic stays where it is.`;
    return fail("DEADLINE_EXCEEDED", "TARGET_NOT_READY", late);
  }
  if (state !== "cold" && state !== "unknown") return;
  if (!(await start(ports, endpoint, open))) {
    const lost = `Nothing is known of how ${to} was served. Traffic stays where it is: retry its rollout instead.`;
    return fail("FAILED_PRECONDITION", "TARGET_UNKNOWN", lost);
  }
}
