// A rollout and the traffic of its endpoint, read in the order in which one can be decided on the other.
import { rollout } from "../domain/rollout.ts";
import { endpointOf } from "../domain/rollout-name.ts";
import type { RolloutState } from "../domain/rollout-state.ts";
import type { TrafficDocument } from "../domain/traffic.ts";
import type { Deploys } from "../ports/deploys.ts";
import { load } from "./record.ts";
import { recordTraffic, type RecordTrafficPorts } from "./record-traffic.ts";

/** What moving a rollout needs. */
export interface RolloutMovePorts extends RecordTrafficPorts {
  readonly deploys: Pick<Deploys, "status">;
}

/** Who moves a rollout, and the request that asked for it. */
export interface Mover {
  readonly actor: string;
  readonly requestId?: string;
}

/**
 * The traffic document, and the rollout after everything that it knows was recorded. The document is the older of the two: a rollout
 * that has not ended here ends by a later epoch, and refuses what continues from this one.
 */
export async function standing(
  ports: RecordTrafficPorts,
  name: string,
): Promise<{ readonly state: RolloutState; readonly document: TrafficDocument }> {
  const { document } = await recordTraffic(ports, endpointOf(name));
  return { document, state: (await load(ports.ledger, rollout, name)).state };
}

/** The rollout after everything that the traffic document knows was recorded. */
export async function settledRollout(ports: RecordTrafficPorts, name: string): Promise<RolloutState> {
  return (await standing(ports, name)).state;
}

/** Who asked for a move, as the move says it. */
export const requestOf = ({ actor, requestId }: Mover) => ({
  actor,
  ...(requestId === undefined ? {} : { requestId }),
});
