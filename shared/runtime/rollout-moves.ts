// The moves of a rollout forward. Traffic moves first, by compare-and-set in the document; then the move is recorded as it is observed,
// so that a crash between the two, or a ledger that is down, loses nothing.
import { failedPrecondition } from "../domain/errors.ts";
import type { FactData } from "../domain/facts.ts";
import { rollout } from "../domain/rollout.ts";
import { moveCause } from "../domain/rollout-name.ts";
import { backendsOf, weightAt, weightsAsLeft, weightsWith } from "../domain/rollout-plan.ts";
import { requirePromotable, requireStep } from "../domain/rollout-rules.ts";
import type { RolloutState } from "../domain/rollout-state.ts";
import { type TrafficDocument, versionWeights } from "../domain/traffic.ts";
import { record } from "./record.ts";
import {
  type Mover,
  requestOf,
  type RolloutMovePorts,
  settledRollout,
  standing,
} from "./rollout-standing.ts";
import { markVersionGood, moveTraffic } from "./traffic.ts";

type Started = FactData<"rollout.started">;

/**
 * The epoch that the rollout's next move continues from; refuses when someone else has moved the traffic. What was read just now
 * says so, so that asking again changes nothing: FAILED_PRECONDITION, where a lost race with another writer is ABORTED.
 */
function epochAsLeft(state: RolloutState, started: Started, document: TrafficDocument): number {
  const { epoch } = document.traffic;
  if (weightsAsLeft(state, started, versionWeights(document)) && (state.epoch ?? epoch) === epoch)
    return epoch;
  throw failedPrecondition(
    "TRAFFIC_MOVED",
    `Traffic of ${started.endpoint} is not where the rollout of ${started.modelVersion} left it: someone moved it. Look at the endpoint, then abort the rollout and retry it.`,
    { endpoint: started.endpoint, epoch: String(epoch) },
  );
}

/** How long a backend that is to get more traffic may take to say how it stands. */
export const MOVE_STATUS_TIMEOUT_MS = 1_000;

/** Refuses more traffic for a version that does not answer: that its release was ready once says nothing about now. */
async function requireServing({ deploys }: RolloutMovePorts, started: Started): Promise<void> {
  const { modelVersion } = started;
  const backend = backendsOf(started)[modelVersion] ?? "";
  const { state, message } = await deploys.status(backend, MOVE_STATUS_TIMEOUT_MS);
  if (state === "ready") return;
  throw failedPrecondition(
    "RELEASE_NOT_READY",
    `${modelVersion} does not serve just now (${message || state}): wait until its backend is ready again.`,
    { release: state },
  );
}

/**
 * Moves to a step, if it is allowed (`requireStep`). The first version of an endpoint takes all traffic at once.
 * Errors: FAILED_PRECONDITION as `requireStep`, `RELEASE_NOT_READY`, `TRAFFIC_MOVED`; ABORTED `TRAFFIC_MOVED` when somebody moves meanwhile.
 */
export async function moveToStep(
  ports: RolloutMovePorts,
  name: string,
  { step, override, reason, mover }: { step: number; override: boolean; reason: string; mover: Mover },
): Promise<RolloutState> {
  const { state, document } = await standing(ports, name);
  const started = requireStep(state, step, override);
  const { endpoint, modelVersion, previous } = started;
  const expectedEpoch = epochAsLeft(state, started, document);
  const weight = weightAt(started, step);
  if (versionWeights(document)[modelVersion] === weight) {
    // Only the first version of an endpoint, judged again: it has all the traffic already.
    const change = { step, weight, epoch: expectedEpoch, override };
    await record(ports, rollout, {
      stream: name,
      cause: moveCause(name, { kind: "step", step, override }),
      input: { kind: "step", change },
      actor: mover.actor,
    });
  } else {
    await requireServing(ports, started);
    await moveTraffic(ports, {
      endpoint,
      expectedEpoch,
      kind: previous === null ? "first" : "advance",
      to: weightsWith(started, weight),
      cause: moveCause(name, { kind: "step", step, override }),
      reason,
      ...requestOf(mover),
    });
  }
  return settledRollout(ports, name);
}

/**
 * Promotes, if that is allowed (`requirePromotable`): a move to 100, or, for a first version, its good standing.
 * Errors: as those of `moveToStep`.
 */
export async function promote(
  ports: RolloutMovePorts,
  name: string,
  { override, reason, mover }: { override: boolean; reason: string; mover: Mover },
): Promise<RolloutState> {
  const { state, document } = await standing(ports, name);
  const started = requirePromotable(state, override);
  const { endpoint, modelVersion, previous } = started;
  const expectedEpoch = epochAsLeft(state, started, document);
  if (previous !== null) {
    await requireServing(ports, started);
    await moveTraffic(ports, {
      endpoint,
      expectedEpoch,
      kind: "advance",
      to: weightsWith(started, 100),
      cause: moveCause(name, { kind: "promote", override }),
      reason,
      ...requestOf(mover),
    });
    return settledRollout(ports, name);
  }
  await markVersionGood(ports, endpoint, modelVersion);
  await record(ports, rollout, {
    stream: name,
    cause:
      mover.requestId === undefined
        ? moveCause(name, { kind: "promote", override })
        : `api/${mover.requestId}`,
    input: { kind: "promote", epoch: expectedEpoch, override, at: ports.clock.now().toISOString() },
    actor: mover.actor,
    inputHash: "promote",
  });
  return settledRollout(ports, name);
}
