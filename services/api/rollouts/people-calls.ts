// What people do to a rollout: move it on, pause it, abort it, try it again. Each is idempotent by its request id.
import { endpoint } from "../../../shared/domain/endpoint.ts";
import { failedPrecondition, notFound } from "../../../shared/domain/errors.ts";
import { rollout } from "../../../shared/domain/rollout.ts";
import { endpointOf, rolloutName } from "../../../shared/domain/rollout-name.ts";
import { lastStepOf } from "../../../shared/domain/rollout-plan.ts";
import { requireRetryable, requireStarted } from "../../../shared/domain/rollout-rules.ts";
import { hasEnded } from "../../../shared/domain/rollout-state.ts";
import { load, record } from "../../../shared/runtime/record.ts";
import { moveToStep, promote } from "../../../shared/runtime/rollout-moves.ts";
import { settledRollout } from "../../../shared/runtime/rollout-standing.ts";
import { abort, takeBack } from "../../../shared/runtime/rollout-take-back.ts";
import { readTraffic } from "../../../shared/runtime/traffic.ts";
import { assess, recordVerdict } from "./assess.ts";
import { answerOf, type RolloutAnswer, type RolloutPorts } from "./ports.ts";

/** A person's request. */
export interface PersonRequest {
  readonly reason: string;
  readonly requestId?: string;
  readonly actor: string;
}

const causeOf = (verb: string, version: number, { requestId }: PersonRequest): string =>
  requestId === undefined ? `api/${verb}/${version}` : `api/${requestId}`;

const moverOf = ({ actor, requestId }: PersonRequest) => ({
  actor,
  ...(requestId === undefined ? {} : { requestId }),
});

async function requireFree(ports: RolloutPorts, name: string, verb: string): Promise<void> {
  const { hold } = (await readTraffic(ports.traffic, endpointOf(name))).traffic;
  if (hold === null) return;
  throw failedPrecondition(
    "ENDPOINT_HELD",
    `${endpointOf(name)} is held since ${hold.time} (${hold.reason}): resume it before you ${verb} a rollout.`,
    { endpoint: endpointOf(name), hold: hold.cause },
  );
}

/** Whether this request has been carried out already: it has moved traffic, or recorded a promotion that moved none. */
async function isDone(ports: RolloutPorts, name: string, requestId: string | undefined): Promise<boolean> {
  if (requestId === undefined) return false;
  const { moves } = (await readTraffic(ports.traffic, endpointOf(name))).traffic;
  if (moves.some((move) => move.requestId === requestId && move.cause.startsWith(`${name}/`))) return true;
  return (await ports.ledger.decision(name, `api/${requestId}`)) !== undefined;
}

/**
 * Ends the current step early: the next one, or the promotion from the last. The judge looks first, and nobody overrides a *fail*.
 * Errors: FAILED_PRECONDITION `ENDPOINT_HELD`, `VERDICT_FAIL`, `RELEASE_NOT_READY`, `ROLLOUT_ENDED`,
 * `TRAFFIC_MOVED` when someone else has moved; ABORTED `TRAFFIC_MOVED` when someone does at the same moment.
 */
export async function advance(
  ports: RolloutPorts,
  name: string,
  request: PersonRequest,
): Promise<RolloutAnswer> {
  const before = await settledRollout(ports, name);
  if (await isDone(ports, name, request.requestId)) return answerOf(name, before);
  const started = requireStarted(before);
  await requireFree(ports, name, "advance");
  const assessment = await assess(ports, name, before);
  if (assessment.kind === "release-failed") {
    const { failed } = assessment;
    const order = {
      trigger: "release-failed",
      reason: failed.message,
      failed,
      actor: request.actor,
    } as const;
    requireStarted(await takeBack(ports, name, order));
  }
  if (assessment.kind === "judged") await recordVerdict(ports, name, assessment.judgement, false);
  const { state } = await load(ports.ledger, rollout, name);
  const move = { override: true, reason: request.reason, mover: moverOf(request) };
  if (state.step === lastStepOf(started)) return answerOf(name, await promote(ports, name, move));
  return answerOf(name, await moveToStep(ports, name, { step: state.step + 1, ...move }));
}

/** Stops a rollout at its weights, or lets it go on (`paused` false). A *fail* and the time limit still end it. */
export async function pause(
  ports: RolloutPorts,
  name: string,
  request: PersonRequest & { readonly paused: boolean },
): Promise<RolloutAnswer> {
  const { version } = await load(ports.ledger, rollout, name);
  const { paused, reason, actor } = request;
  await record(ports, rollout, {
    stream: name,
    cause: causeOf("pause", version, request),
    input: { kind: "pause", paused, reason },
    actor,
  });
  return answerOf(name, await settledRollout(ports, name));
}

/** Ends a rollout, queued or running: weights go back, without a hold and without blame for the version. */
export async function abortByPerson(
  ports: RolloutPorts,
  name: string,
  request: PersonRequest,
): Promise<RolloutAnswer> {
  const before = await settledRollout(ports, name);
  if (before.phase === "aborted") return answerOf(name, before);
  return answerOf(name, await abort(ports, name, { reason: request.reason, mover: moverOf(request) }));
}

/** Tries a version again that was rolled back or aborted: a new rollout, queued like any other. */
export async function retry(
  ports: RolloutPorts,
  name: string,
  request: PersonRequest,
): Promise<RolloutAnswer> {
  const queued = requireRetryable(await settledRollout(ports, name));
  const next = rolloutName(queued.endpoint, queued.modelVersion, queued.attempt + 1);
  const later = (await load(ports.ledger, rollout, next)).state;
  if (hasEnded(later)) {
    throw failedPrecondition(
      "NOT_THE_LATEST_ATTEMPT",
      `${name} was retried before, as ${next}: retry that one.`,
      { latest: next },
    );
  }
  if (later.phase !== "absent") return answerOf(next, later);
  await requireFree(ports, name, "retry");
  const { state } = await load(ports.ledger, endpoint, queued.endpoint);
  if (state.settings === undefined) {
    throw notFound(queued.endpoint, "Configure it in the repository that owns it, then retry.");
  }
  await record(ports, rollout, {
    stream: next,
    cause: causeOf("retry", 0, request),
    input: { kind: "queue", queued: { ...queued, attempt: queued.attempt + 1 }, onRegistered: "queue" },
    actor: request.actor,
    inputHash: name,
  });
  return answerOf(next, (await load(ports.ledger, rollout, next)).state);
}
