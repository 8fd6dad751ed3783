// The calls of the canary workflow besides its looks. Each is safe to repeat, and only the owner's execution may make them.
import { ControlPlaneError, failedPrecondition } from "../../../shared/domain/errors.ts";
import type { Verdict } from "../../../shared/domain/judge.ts";
import { rollout } from "../../../shared/domain/rollout.ts";
import { policyOf } from "../../../shared/domain/rollout-plan.ts";
import { requireOwner, requireStep } from "../../../shared/domain/rollout-rules.ts";
import { hasEnded, type RolloutState } from "../../../shared/domain/rollout-state.ts";
import { record } from "../../../shared/runtime/record.ts";
import { OBSERVER } from "../../../shared/runtime/record-traffic.ts";
import { moveToStep, promote } from "../../../shared/runtime/rollout-moves.ts";
import { settledRollout } from "../../../shared/runtime/rollout-standing.ts";
import { abort, takeBack } from "../../../shared/runtime/rollout-take-back.ts";
import { holdEndpoint } from "../../../shared/runtime/traffic.ts";
import { assess, recordVerdict } from "./assess.ts";
import { answerOf, type RolloutAnswer, type RolloutPorts } from "./ports.ts";

/** An answer to the workflow; `refused` says why nothing was done: it looks again then. */
export type WorkflowAnswer = RolloutAnswer & { readonly refused?: string };

/** Makes the execution the owner of the rollout. A second one gets ABORTED with the owner in the metadata. */
export async function claim(ports: RolloutPorts, name: string, execution: string): Promise<RolloutAnswer> {
  await record(ports, rollout, {
    stream: name,
    cause: `claim/${execution}`,
    input: { kind: "claim", execution },
    actor: execution,
  });
  return answerOf(name, await settledRollout(ports, name));
}

/** Whether the world has moved on since the workflow's last look: not an error of its own, it looks again. */
function overtaken(error: unknown): error is ControlPlaneError {
  if (!(error instanceof ControlPlaneError)) return false;
  return (
    error.code === "FAILED_PRECONDITION" || (error.code === "ABORTED" && error.reason === "TRAFFIC_MOVED")
  );
}

async function orLookAgain(
  ports: RolloutPorts,
  name: string,
  work: (state: RolloutState) => Promise<RolloutState>,
): Promise<WorkflowAnswer> {
  const state = await settledRollout(ports, name);
  if (hasEnded(state)) return answerOf(name, state);
  try {
    return answerOf(name, await work(state));
  } catch (error) {
    if (!overtaken(error)) throw error;
    return { ...answerOf(name, await settledRollout(ports, name)), refused: error.reason };
  }
}

/** What the judge says at this moment, as the reason of a move; its verdict is recorded if it changed. */
async function evidenceNow(ports: RolloutPorts, name: string, state: RolloutState): Promise<string> {
  const assessment = await assess(ports, name, state);
  if (assessment.kind === "release-failed") return assessment.failed.message;
  if (assessment.kind !== "judged") return assessment.sentence;
  await recordVerdict(ports, name, assessment.judgement, false);
  return assessment.judgement.sentence;
}

/**
 * Moves to a step by compare-and-set; a step that was reached already is answered as done. The judge looks once more, so that
 * the move carries the evidence that it was made on, and a *fail* since the last look stops it.
 */
export async function step(
  ports: RolloutPorts,
  name: string,
  execution: string,
  step: number,
): Promise<WorkflowAnswer> {
  return orLookAgain(ports, name, async (before) => {
    requireOwner(before, execution);
    if (before.step >= step) return before;
    requireStep(before, step, false);
    const reason = await evidenceNow(ports, name, before);
    return moveToStep(ports, name, { step, override: false, reason, mover: { actor: OBSERVER } });
  });
}

/** No verdict by the time limit. */
async function finishWithoutVerdict(
  ports: RolloutPorts,
  name: string,
  state: RolloutState,
): Promise<RolloutState> {
  const started = requireOwner(state, state.execution ?? "");
  const { endpoint, previous, deadline } = started;
  if (ports.clock.now().getTime() < Date.parse(deadline)) {
    throw failedPrecondition("TIME_LIMIT_NOT_REACHED", `The time limit is ${deadline}: look on until then.`, {
      deadline,
    });
  }
  const sentence = state.judged?.sentence ?? "The new version has had no traffic.";
  const reason = `No verdict by the time limit. ${sentence}`;
  const requests = state.judged?.canary.requests ?? 0;
  if (previous === null && requests === 0) {
    const kept =
      "No request by the time limit: nothing could be judged. The version keeps its traffic; retry to judge it.";
    return abort(ports, name, { reason: kept, mover: { actor: OBSERVER } });
  }
  if (policyOf(started).onInconclusive === "rollback") {
    return takeBack(ports, name, { trigger: "inconclusive", reason, actor: OBSERVER });
  }
  await holdEndpoint(ports, endpoint, { cause: `${name}/inconclusive`, actor: OBSERVER, reason });
  await record(ports, rollout, {
    stream: name,
    cause: `${name}/inconclusive`,
    input: { kind: "pause", paused: true, reason },
    actor: OBSERVER,
    inputHash: "inconclusive",
  });
  return settledRollout(ports, name);
}

/** Ends the rollout as the last look found: promotes, takes back, or does what the policy says without a verdict. */
export async function finish(
  ports: RolloutPorts,
  name: string,
  execution: string,
  verdict: Verdict,
): Promise<WorkflowAnswer> {
  return orLookAgain(ports, name, async (state) => {
    requireOwner(state, execution);
    const reason = state.judged?.sentence ?? "";
    if (verdict === "pass") {
      return promote(ports, name, { override: false, reason, mover: { actor: OBSERVER } });
    }
    if (verdict === "inconclusive") return finishWithoutVerdict(ports, name, state);
    if (state.judged?.verdict !== "fail") {
      throw failedPrecondition("VERDICT_CHANGED", "The last verdict is not fail any more: look again.");
    }
    return takeBack(ports, name, { trigger: "judge", reason, actor: OBSERVER });
  });
}
