// Brings the ledger up to what the traffic document says: moves, holds and resumes that were made while nobody recorded them.
import { endpoint as endpointDecider, type EndpointState } from "../domain/endpoint.ts";
import { onRecord } from "../domain/endpoint-epochs.ts";
import { type FactOf, shortHash } from "../domain/fact.ts";
import type { FactData } from "../domain/facts.ts";
import { rollout as rolloutDecider } from "../domain/rollout.ts";
import { readMoveCause } from "../domain/rollout-name.ts";
import type { Hold, Move, TrafficDocument } from "../domain/traffic.ts";
import type { Traffic } from "../ports/traffic.ts";
import { load, record, type RecordPorts } from "./record.ts";
import { readTraffic } from "./traffic.ts";

/** What recording traffic needs. */
export interface RecordTrafficPorts extends RecordPorts {
  readonly traffic: Traffic;
}

/** Who records what was only observed. */
export const OBSERVER = "services/rollout";

const asFactData = (move: Move): FactData<"traffic.moved"> => ({
  epoch: move.epoch,
  kind: move.kind,
  moveCause: move.cause,
  ...(move.requestId === undefined ? {} : { requestId: move.requestId }),
  reason: move.reason,
  from: { ...move.from },
  to: { ...move.to },
  movedAt: move.time,
});

/**
 * Tells the rollout that a move concerns: the one that made it, else the one that runs. The cause is the fact's id, so that
 * the same move that arrives over the bus is the same input.
 */
export async function observeMove(
  ports: RecordPorts,
  fact: FactOf<"traffic.moved">,
  running: string | null,
): Promise<void> {
  const stream = readMoveCause(fact.data.moveCause)?.rollout ?? running;
  if (stream === null) return;
  await record(ports, rolloutDecider, {
    stream,
    cause: fact.id,
    input: { kind: "observe-move", move: fact.data },
    actor: fact.actor,
  });
}

async function recordMove(
  ports: RecordPorts,
  endpoint: string,
  move: Move,
  running: string | null,
): Promise<void> {
  const recorded = await record(ports, endpointDecider, {
    stream: endpoint,
    cause: `traffic/${endpoint}/${move.epoch}`,
    input: { kind: "observe-move", move: asFactData(move) },
    actor: move.actor,
  });
  for (const fact of recorded.facts) {
    if (fact.type === "traffic.moved") await observeMove(ports, fact, running);
  }
}

/** A hold is known by what made it and when, so that it is recorded once however often it is seen. */
async function recordHold(
  ports: RecordPorts,
  endpoint: string,
  hold: Hold,
  document: TrafficDocument,
): Promise<void> {
  const epoch = document.traffic.moves.find((move) => move.cause === hold.cause)?.epoch;
  await record(ports, endpointDecider, {
    stream: endpoint,
    cause: `hold/${shortHash(hold.cause, hold.time)}`,
    input: { kind: "hold", reason: hold.reason, ...(epoch === undefined ? {} : { epoch }) },
    actor: hold.actor,
    inputHash: { cause: hold.cause, time: hold.time },
  });
}

/** Records that a hold ended. The hold's own fact identifies it, so that API and reconciler record one resume. */
export async function recordResume(
  ports: RecordPorts,
  endpoint: string,
  holdVersion: number,
  { reason, actor }: { readonly reason: string; readonly actor: string },
): Promise<void> {
  await record(ports, endpointDecider, {
    stream: endpoint,
    cause: `resume/${holdVersion}`,
    input: { kind: "resume", reason },
    actor,
    inputHash: holdVersion,
  });
}

/**
 * Records every move of the document that the endpoint's stream lacks, oldest first, then its hold or the end of its hold.
 * Answers the endpoint as recorded and the document it was brought up to. Safe to repeat; cheap when there is nothing new.
 */
export async function recordTraffic(
  ports: RecordTrafficPorts,
  endpoint: string,
): Promise<{ readonly state: EndpointState; readonly document: TrafficDocument }> {
  const document = await readTraffic(ports.traffic, endpoint);
  const { state } = await load(ports.ledger, endpointDecider, endpoint);
  const missing = document.traffic.moves
    .filter((move) => !onRecord(state.epochs, move.epoch))
    .toSorted((one, other) => one.epoch - other.epoch);
  for (const move of missing) await recordMove(ports, endpoint, move, state.queue.running);

  const { hold } = document.traffic;
  const held = state.hold;
  if (hold !== null && held === undefined) await recordHold(ports, endpoint, hold, document);
  if (hold === null && held !== undefined) {
    const reason = "The hold was cleared in the traffic document.";
    await recordResume(ports, endpoint, held.version, { reason, actor: OBSERVER });
  }
  const changed = missing.length > 0 || (hold === null) !== (held === undefined);
  return { state: changed ? (await load(ports.ledger, endpointDecider, endpoint)).state : state, document };
}
