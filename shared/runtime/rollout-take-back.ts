// The ways back of a rollout: taken back by the judge, a timer or a failed release, or aborted. Each end is a move of the document,
// also where no weight changes: what is under way was decided on the epoch before, and is refused.
import { ControlPlaneError } from "../domain/errors.ts";
import type { FactData } from "../domain/facts.ts";
import { rollout } from "../domain/rollout.ts";
import { moveCause, type TakeBackTrigger } from "../domain/rollout-name.ts";
import { policyOf, weightsWith } from "../domain/rollout-plan.ts";
import { requireStarted } from "../domain/rollout-rules.ts";
import { hasEnded, type RolloutState } from "../domain/rollout-state.ts";
import { type TrafficDocument, versionWeights } from "../domain/traffic.ts";
import { record } from "./record.ts";
import { rollback } from "./rollback.ts";
import {
  type Mover,
  requestOf,
  type RolloutMovePorts,
  settledRollout,
  standing,
} from "./rollout-standing.ts";
import { holdEndpoint, type MoveOrder, moveTraffic } from "./traffic.ts";

type Started = FactData<"rollout.started">;

/** What takes a rollout back. A release that failed says how. */
export interface TakeBack {
  readonly trigger: Exclude<TakeBackTrigger, "person">;
  readonly reason: string;
  readonly failed?: FactData<"release.failed">;
  readonly actor: string;
}

/** Ends for want of a verdict, or of somebody to give it: a promotion that comes first is one, and stands. */
const YIELDS: ReadonlySet<TakeBackTrigger> = new Set(["timer", "inconclusive", "execution-failed"]);

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
      // A move came between the look and the end: its first step, and it has traffic to lose now, or a promotion, and it is over.
      const moved = error instanceof ControlPlaneError && error.reason === "TRAFFIC_MOVED";
      if (!moved || tried === TAKE_BACK_ATTEMPTS_MAX) throw error;
    }
  }
}

async function takeBackNow(ports: RolloutMovePorts, name: string, order: TakeBack): Promise<RolloutState> {
  const { state, document } = await standing(ports, name);
  if (hasEnded(state)) return state;
  const started = requireStarted(state);
  const { endpoint, modelVersion, previous } = started;
  const { trigger, reason, actor } = order;
  const cause = moveCause(name, { kind: "take-back", trigger });
  const exposed = (versionWeights(document)[modelVersion] ?? 0) > 0;
  if (previous === null) {
    if (exposed) await holdEndpoint(ports, endpoint, { cause, actor, reason });
    return recordEnd(ports, name, order);
  }
  if (!exposed) {
    await leaveCandidate(ports, started, document, { kind: "abort", cause, reason, actor });
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
      ...(YIELDS.has(trigger) ? { expectedEpoch: document.traffic.epoch } : {}),
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
  document: TrafficDocument,
  order: Pick<MoveOrder, "kind" | "cause" | "reason" | "actor" | "requestId">,
): Promise<void> {
  const { endpoint, modelVersion } = started;
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
  const { state, document } = await standing(ports, name);
  const { started } = state;
  const cause = moveCause(name, { kind });
  // Two hands of ours may end it at once: the move of the one is in the document before the rollout has heard of it.
  const isMoved = document.traffic.moves.some((move) => move.cause === cause);
  if (started !== undefined && started.previous !== null && !hasEnded(state) && !isMoved) {
    await leaveCandidate(ports, started, document, { kind, cause, reason, ...requestOf(mover) });
    return settledRollout(ports, name);
  }
  await record(ports, rollout, {
    stream: name,
    cause,
    input: { kind: "abort", reason, at: ports.clock.now().toISOString() },
    actor: mover.actor,
    inputHash: kind,
  });
  return settledRollout(ports, name);
}
