// The moves of a rollout. Traffic moves first, by compare-and-set in the document; then the move is recorded as it is observed,
// so that a crash between the two, or a ledger that is down, loses nothing.
import { ControlPlaneError, failedPrecondition } from "../domain/errors.ts";
import type { FactData } from "../domain/facts.ts";
import { rollout } from "../domain/rollout.ts";
import { endpointOf, moveCause, type TakeBackTrigger } from "../domain/rollout-name.ts";
import { backendsOf, policyOf, weightAt, weightsAsLeft, weightsWith } from "../domain/rollout-plan.ts";
import { requireStarted } from "../domain/rollout-rules.ts";
import { hasEnded, type RolloutState } from "../domain/rollout-state.ts";
import { type TrafficDocument, versionWeights } from "../domain/traffic.ts";
import type { Deploys } from "../ports/deploys.ts";
import { load, record } from "./record.ts";
import { recordTraffic, type RecordTrafficPorts } from "./record-traffic.ts";
import { rollback } from "./rollback.ts";
import { holdEndpoint, markVersionGood, type MoveOrder, moveTraffic } from "./traffic.ts";

/** What moving a rollout needs. */
export interface RolloutMovePorts extends RecordTrafficPorts {
  readonly deploys: Pick<Deploys, "status">;
}

/** Who moves a rollout, and the request that asked for it. */
export interface Mover {
  readonly actor: string;
  readonly requestId?: string;
}

type Started = FactData<"rollout.started">;

/** The rollout after everything that the traffic document knows was recorded. */
export async function settledRollout(ports: RecordTrafficPorts, name: string): Promise<RolloutState> {
  await recordTraffic(ports, endpointOf(name));
  return (await load(ports.ledger, rollout, name)).state;
}

const requestOf = ({ actor, requestId }: Mover) => ({
  actor,
  ...(requestId === undefined ? {} : { requestId }),
});

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

/** Moves to a step that `requireStep` has allowed. The first version of an endpoint takes all traffic at once. */
export async function moveToStep(
  ports: RolloutMovePorts,
  name: string,
  state: RolloutState,
  { step, override, reason, mover }: { step: number; override: boolean; reason: string; mover: Mover },
): Promise<RolloutState> {
  const started = requireStarted(state);
  const { endpoint, modelVersion, previous } = started;
  const { document } = await recordTraffic(ports, endpoint);
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

/** Promotes what `requirePromotable` has allowed: a move to 100, or, for a first version, its good standing. */
export async function promote(
  ports: RolloutMovePorts,
  name: string,
  state: RolloutState,
  { override, reason, mover }: { override: boolean; reason: string; mover: Mover },
): Promise<RolloutState> {
  const started = requireStarted(state);
  const { endpoint, modelVersion, previous } = started;
  const { document } = await recordTraffic(ports, endpoint);
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

/** What takes a rollout back. A release that failed says how. */
export interface TakeBack {
  readonly trigger: Exclude<TakeBackTrigger, "person">;
  readonly reason: string;
  readonly failed?: FactData<"release.failed">;
  readonly actor: string;
}

/** Tries of an end whose traffic moves meanwhile: its own step comes between once, people may move as well. */
export const TAKE_BACK_ATTEMPTS_MAX = 4;

/** No version can take the traffic now: worth another try, since backends are started again when they die. */
function noTargetYet(error: unknown): unknown {
  const known = error instanceof ControlPlaneError && error.code === "FAILED_PRECONDITION";
  if (!known || error.reason !== "NO_GOOD_VERSION") return error;
  return new ControlPlaneError(
    "UNAVAILABLE",
    `${error.message} The rollback is tried again until it succeeds.`,
    {
      reason: error.reason,
      metadata: error.metadata,
      cause: error,
    },
  );
}

/**
 * Takes a rollout back. A candidate with traffic loses it to its predecessor, which holds the endpoint unless the policy says
 * otherwise; one without ends where it stands. The first version of an endpoint keeps its traffic, for there is nowhere to go.
 * Errors: UNAVAILABLE `NO_GOOD_VERSION` while no other version can serve, `TARGET_WARMING` while the one that can is warmed;
 * ABORTED `TRAFFIC_MOVED` when its traffic moves again and again meanwhile.
 */
export async function takeBack(
  ports: RolloutMovePorts,
  name: string,
  order: TakeBack,
): Promise<RolloutState> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await takeBackNow(ports, name, order);
    } catch (error) {
      // Its first step came between the look and the end: now it has traffic to lose.
      const moved = error instanceof ControlPlaneError && error.reason === "TRAFFIC_MOVED";
      if (!moved || tried === TAKE_BACK_ATTEMPTS_MAX) throw error;
    }
  }
}

async function takeBackNow(ports: RolloutMovePorts, name: string, order: TakeBack): Promise<RolloutState> {
  const state = await settledRollout(ports, name);
  if (hasEnded(state)) return state;
  const started = requireStarted(state);
  const { endpoint, modelVersion, previous } = started;
  const { trigger, reason, actor } = order;
  const cause = moveCause(name, { kind: "take-back", trigger });
  const { document } = await recordTraffic(ports, endpoint);
  const exposed = (versionWeights(document)[modelVersion] ?? 0) > 0;
  if (previous === null) {
    if (exposed) await holdEndpoint(ports, endpoint, { cause, actor, reason });
    return recordEnd(ports, name, order);
  }
  if (!exposed) {
    await leaveCandidate(ports, started, { kind: "abort", cause, reason, actor });
    return recordEnd(ports, name, order);
  }
  try {
    await rollback(ports, {
      endpoint,
      from: modelVersion,
      actor,
      reason,
      cause,
      hold: policyOf(started).hold,
    });
  } catch (error) {
    throw noTargetYet(error);
  }
  return settledRollout(ports, name);
}

/**
 * Takes what traffic the candidate has, without blame. Weights that stay are a move too: the first step, if it is under way, was
 * decided on the epoch before, and is refused.
 */
async function leaveCandidate(
  ports: RolloutMovePorts,
  started: Started,
  order: Pick<MoveOrder, "kind" | "cause" | "reason" | "actor" | "requestId">,
): Promise<void> {
  const { endpoint, modelVersion } = started;
  const { document } = await recordTraffic(ports, endpoint);
  const weights = versionWeights(document);
  const exposed = (weights[modelVersion] ?? 0) > 0;
  const to = exposed ? weightsWith(started, 0) : weights;
  await moveTraffic(ports, { endpoint, expectedEpoch: document.traffic.epoch, to, ...order });
}

/** Records an end that moved no traffic. */
async function recordEnd(ports: RolloutMovePorts, name: string, order: TakeBack): Promise<RolloutState> {
  const { trigger, reason, failed, actor } = order;
  const at = ports.clock.now().toISOString();
  await record(ports, rollout, {
    stream: name,
    cause: moveCause(name, { kind: "take-back", trigger }),
    input:
      failed === undefined
        ? { kind: "take-back", trigger, reason, at }
        : { kind: "release-failed", failed, at },
    actor,
    inputHash: trigger,
  });
  return settledRollout(ports, name);
}

/**
 * Ends a rollout for a person, or because a newer version takes its place: weights go back without hold or blame, and a first
 * version keeps its traffic. Errors: ABORTED `TRAFFIC_MOVED` when someone else moves at the same time.
 */
export async function abort(
  ports: RolloutMovePorts,
  name: string,
  {
    kind = "abort",
    reason,
    mover,
  }: { readonly kind?: "abort" | "replace"; readonly reason: string; readonly mover: Mover },
): Promise<RolloutState> {
  const state = await settledRollout(ports, name);
  const { started } = state;
  if (started !== undefined && started.previous !== null && !hasEnded(state)) {
    const cause = moveCause(name, { kind });
    await leaveCandidate(ports, started, { kind, cause, reason, ...requestOf(mover) });
    return settledRollout(ports, name);
  }
  await record(ports, rollout, {
    stream: name,
    cause: moveCause(name, { kind }),
    input: { kind: "abort", reason, at: ports.clock.now().toISOString() },
    actor: mover.actor,
    inputHash: kind,
  });
  return settledRollout(ports, name);
}
