// Stops backends that nobody needs any more: versions that were taken back, once drained, and predecessors after their standby.
import { backendName } from "../../shared/domain/backend.ts";
import type { EndpointState } from "../../shared/domain/endpoint.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { rollout } from "../../shared/domain/rollout.ts";
import { DRAIN_MS } from "../../shared/domain/rollout-ends.ts";
import {
  type GoodVersion,
  type Move,
  type TrafficDocument,
  versionWeights,
} from "../../shared/domain/traffic.ts";
import { openWarmUp } from "../../shared/domain/warm-up.ts";
import { load } from "../../shared/runtime/record.ts";
import { markVersionCold, readTraffic } from "../../shared/runtime/traffic.ts";
import { type RolloutServicePorts, STATUS_TIMEOUT_MS } from "./ports.ts";
import { lastStart } from "./releases.ts";

/** When a version last lost all of its traffic, in epoch milliseconds; undefined when the moves do not reach back that far. */
function leftAt(moves: readonly Move[], version: string): number | undefined {
  const move = moves.find(({ from, to }) => from[version] !== undefined && to[version] === undefined);
  return move === undefined ? undefined : Date.parse(move.time);
}

/** The version that is being rolled out, which needs its backend before it has traffic. */
async function candidateOf(
  ports: RolloutServicePorts,
  { queue }: EndpointState,
): Promise<string | undefined> {
  if (queue.running === null) return undefined;
  return (await load(ports.ledger, rollout, queue.running)).state.queued?.modelVersion;
}

async function retireBackend(ports: RolloutServicePorts, backend: string): Promise<void> {
  const { state } = await ports.deploys.status(backend, STATUS_TIMEOUT_MS);
  if (state !== "unknown" && state !== "cold") await ports.deploys.retire(backend);
}

/** Retires a version without traffic that is in no good standing, once its last requests had time to end. */
export async function retireDrained(
  ports: RolloutServicePorts,
  endpoint: string,
  state: EndpointState,
  versions: readonly string[],
): Promise<void> {
  const candidate = await candidateOf(ports, state);
  const now = ports.clock.now().getTime();
  for (const version of new Set(versions)) {
    const document = await readTraffic(ports.traffic, endpoint);
    const { moves, good } = document.traffic;
    const needed =
      version === candidate ||
      versionWeights(document)[version] !== undefined ||
      good.some((entry) => entry.version === version);
    if (needed || now < (leftAt(moves, version) ?? 0) + DRAIN_MS) continue;
    await retireBackend(ports, backendName(endpoint, version));
  }
}

/** Versions that the document's moves speak of. */
export function versionsOf({ traffic }: TrafficDocument): readonly string[] {
  return traffic.moves.flatMap(({ from, to }) => [...Object.keys(from), ...Object.keys(to)]);
}

function standbyIsOver(
  document: TrafficDocument,
  entry: GoodVersion,
  standbyMs: number,
  now: number,
): boolean {
  const serves = versionWeights(document)[entry.version] !== undefined;
  const left = leftAt(document.traffic.moves, entry.version) ?? Date.parse(entry.since);
  return !serves && entry.state === "warm" && now >= left + standbyMs;
}

/**
 * Marks predecessors cold whose standby is over, and only then stops them. While a rollout runs all stay warm. The mark is a
 * compare-and-set: a rollback that comes first keeps its target.
 */
export async function expireStandby(
  ports: RolloutServicePorts,
  endpoint: string,
  state: EndpointState,
  document: TrafficDocument,
): Promise<void> {
  if (state.queue.running !== null || state.settings === undefined) return;
  const { standbyMs } = state.settings;
  const now = ports.clock.now().getTime();
  for (const entry of document.traffic.good) {
    if (!standbyIsOver(document, entry, standbyMs, now)) continue;
    if (openWarmUp(document)?.to === entry.version) continue;
    // How long it took to become ready is noted now: a rollback that wants it back may have no ledger to ask.
    const preparedMs = (await lastStart(ports, endpoint, entry.version))?.preparedMs;
    try {
      await markVersionCold(ports, endpoint, entry.version, preparedMs);
    } catch (error) {
      // A rollback came first and the version serves again: it keeps its backend.
      if (error instanceof ControlPlaneError && error.reason === "STILL_SERVING") continue;
      throw error;
    }
    await retireBackend(ports, entry.backend);
  }
}

/** Stops backends whose versions are marked cold, unless they are being warmed: a crash may have come between the mark and the stop. */
export async function retireCold(
  ports: RolloutServicePorts,
  state: EndpointState,
  document: TrafficDocument,
): Promise<void> {
  const needed = [await candidateOf(ports, state), openWarmUp(document)?.to];
  for (const { version, backend, state } of document.traffic.good) {
    if (state === "cold" && !needed.includes(version)) await retireBackend(ports, backend);
  }
}
