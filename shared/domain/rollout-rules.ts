// What may be done to a rollout, asked before traffic moves. Each rule refuses with the reason and what to do instead.
import { ControlPlaneError, failedPrecondition } from "./errors.ts";
import type { FactData } from "./facts.ts";
import { lastStepOf } from "./rollout-plan.ts";
import { hasEnded, type RolloutState } from "./rollout-state.ts";

const nameOf = (state: RolloutState): string => state.queued?.modelVersion ?? "a version";

/** A rollout that runs, with what it was started with. */
export function requireStarted(state: RolloutState): FactData<"rollout.started"> {
  const version = nameOf(state);
  if (state.phase === "absent") {
    throw new ControlPlaneError(
      "NOT_FOUND",
      "This rollout does not exist. List the endpoint's rollouts to see which do.",
      {
        reason: "ROLLOUT_NOT_FOUND",
      },
    );
  }
  if (hasEnded(state)) {
    const remedy =
      state.phase === "promoted" ? "roll the endpoint back to leave this version" : "retry it to start over";
    const how = state.phase === state.endReason ? state.phase : `${state.phase}: ${state.endReason}`;
    throw failedPrecondition("ROLLOUT_ENDED", `The rollout of ${version} is over (${how}): ${remedy}.`, {
      phase: state.phase,
      modelVersion: version,
    });
  }
  if (state.started === undefined) {
    throw failedPrecondition(
      "ROLLOUT_NOT_STARTED",
      `The rollout of ${version} waits for its turn: let the running rollout end, or resume the endpoint if it is held.`,
      { modelVersion: version },
    );
  }
  return state.started;
}

/** The running rollout of this execution; a call of any other execution is refused with the owner's id. */
export function requireOwner(state: RolloutState, execution: string): FactData<"rollout.started"> {
  const started = requireStarted(state);
  if (state.execution === execution) return started;
  const owner = state.execution ?? "";
  throw new ControlPlaneError(
    "ABORTED",
    owner === ""
      ? `Nobody owns the rollout of ${nameOf(state)} yet: claim it before any other call.`
      : `The rollout of ${nameOf(state)} belongs to the execution ${owner}: end this one.`,
    { reason: "NOT_THE_OWNER", field: "execution", metadata: { owner } },
  );
}

/** Refuses a person's or a workflow's move to `step` (from 0); `override` is a person's, which needs no verdict. */
export function requireStep(
  state: RolloutState,
  step: number,
  override: boolean,
): FactData<"rollout.started"> {
  const started = requireStarted(state);
  requireReady(state);
  requireNoFail(state);
  if (!override) requireNotPaused(state);
  if (step !== state.step + 1 || step > lastStepOf(started)) {
    throw failedPrecondition(
      "NOT_THE_NEXT_STEP",
      `Step ${step} does not follow step ${state.step} of the rollout of ${nameOf(state)}: look again for the next one.`,
      { step: String(step), current: String(state.step) },
    );
  }
  return started;
}

/** Refuses a promotion that the evidence or the steps do not allow. */
export function requirePromotable(state: RolloutState, override: boolean): FactData<"rollout.started"> {
  const started = requireStarted(state);
  requireReady(state);
  requireNoFail(state);
  if (!override) requireNotPaused(state);
  if (state.step !== lastStepOf(started)) {
    throw failedPrecondition(
      "NOT_AT_THE_LAST_STEP",
      `The rollout of ${nameOf(state)} is at step ${state.step} of ${lastStepOf(started)}: it is promoted from the last one.`,
      { current: String(state.step), last: String(lastStepOf(started)) },
    );
  }
  if (!override && state.judged?.verdict !== "pass") {
    throw failedPrecondition(
      "NOT_PROVEN",
      `The judge has not passed ${nameOf(state)}: wait for its verdict, or have a person advance the rollout.`,
      { verdict: state.judged?.verdict ?? "none" },
    );
  }
  return started;
}

function requireReady(state: RolloutState): void {
  if (state.release === "ready") return;
  throw failedPrecondition(
    "RELEASE_NOT_READY",
    `The release of ${nameOf(state)} is ${state.release}: wait until its backend is ready, or abort the rollout.`,
    { release: state.release },
  );
}

function requireNoFail(state: RolloutState): void {
  if (state.judged?.verdict !== "fail") return;
  throw failedPrecondition(
    "VERDICT_FAIL",
    `The judge has failed ${nameOf(state)} and nobody overrides that: it goes back. (${state.judged.sentence})`,
    { verdict: "fail" },
  );
}

function requireNotPaused(state: RolloutState): void {
  if (!state.paused) return;
  throw failedPrecondition(
    "ROLLOUT_PAUSED",
    `The rollout of ${nameOf(state)} is paused: end the pause, or advance it.`,
  );
}

/** Refuses to start a rollout again that has not ended without success. */
export function requireRetryable(state: RolloutState): FactData<"rollout.queued"> {
  const { queued } = state;
  if (queued === undefined) {
    requireStarted(state);
    throw failedPrecondition(
      "ROLLOUT_NOT_QUEUED",
      "This rollout was never queued: register its version again.",
    );
  }
  if (state.phase === "rolled-back" || state.phase === "aborted") return queued;
  const promoted = state.phase === "promoted";
  throw failedPrecondition(
    promoted ? "ROLLOUT_PROMOTED" : "ROLLOUT_NOT_ENDED",
    promoted
      ? `The rollout of ${nameOf(state)} was promoted and cannot be retried: register a new version instead.`
      : `The rollout of ${nameOf(state)} has not ended: abort it first, or let it go on.`,
    { phase: state.phase },
  );
}
