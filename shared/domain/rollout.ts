// Decider of one rollout: one attempt to move an endpoint's traffic to one model version.
// Traffic moves first and is reported here; so a report is never refused for what should have been asked before (rollout-rules.ts).
import { type Decider, type Decision, type Due, happens, ignored } from "./decider.ts";
import { ControlPlaneError } from "./errors.ts";
import type { FactData } from "./facts.ts";
import { observeMove } from "./rollout-observation.ts";
import { requireStarted } from "./rollout-rules.ts";
import type { TakeBackTrigger } from "./rollout-name.ts";
import {
  evolveRollout,
  hasEnded,
  NO_ROLLOUT,
  type RolloutFactType,
  type RolloutState,
} from "./rollout-state.ts";
import { abortedAt, DEADLINE_GRACE_MS, later, promotedAt, rolledBackAt } from "./rollout-ends.ts";

/** What can happen to a rollout. Times (`at`) are RFC 3339. */
export type RolloutInput =
  | {
      readonly kind: "queue";
      readonly queued: FactData<"rollout.queued">;
      /** What the endpoint's policy says of new versions; undefined: the endpoint is not configured yet. */
      readonly onRegistered: "queue" | "replace" | "ignore" | undefined;
    }
  | { readonly kind: "start"; readonly started: FactData<"rollout.started"> }
  | { readonly kind: "release-prepared"; readonly prepared: FactData<"release.prepared"> }
  | {
      readonly kind: "release-failed";
      readonly failed: FactData<"release.failed">;
      /** Of the move that took the candidate's traffic away, if it had any. */
      readonly epoch?: number;
      readonly at: string;
    }
  | { readonly kind: "claim"; readonly execution: string }
  | { readonly kind: "step"; readonly change: FactData<"rollout.step-changed"> }
  | { readonly kind: "pause"; readonly paused: boolean; readonly reason: string }
  | {
      readonly kind: "judged";
      readonly judged: FactData<"rollout.judged">;
      /** At the time limit the evidence is recorded even if the verdict is what it was. */
      readonly final: boolean;
    }
  | { readonly kind: "promote"; readonly epoch: number; readonly override: boolean; readonly at: string }
  | {
      readonly kind: "take-back";
      readonly trigger: TakeBackTrigger;
      readonly reason: string;
      readonly epoch?: number;
      readonly at: string;
    }
  | { readonly kind: "abort"; readonly reason: string; readonly epoch?: number; readonly at: string }
  | { readonly kind: "observe-move"; readonly move: FactData<"traffic.moved"> };

type Of<Kind extends RolloutInput["kind"]> = Extract<RolloutInput, { kind: Kind }>;
type Answer = Decision<RolloutFactType>;

const fact = <Type extends RolloutFactType>(
  type: Type,
  data: FactData<Type>,
  due: readonly Due[] = [],
): Answer =>
  happens<RolloutFactType>([{ type, data } as Parameters<typeof happens<RolloutFactType>>[0][number]], due);

function queue(state: RolloutState, { queued, onRegistered }: Of<"queue">): Answer {
  if (state.phase !== "absent") return ignored(`this rollout is ${state.phase} already`);
  if (queued.attempt > 1) {
    // What a person tries again queues like any other, however its first attempt came.
    const { replaces: _, unconfigured: __, ...retried } = queued;
    return fact("rollout.queued", retried);
  }
  // Its policy is not known yet. When it is, the newest version is rolled out: nobody wants all that came before, one by one.
  if (onRegistered === undefined)
    return fact("rollout.queued", { ...queued, replaces: true, unconfigured: true });
  if (onRegistered === "ignore") return ignored("the endpoint's policy ignores new versions");
  return fact("rollout.queued", onRegistered === "replace" ? { ...queued, replaces: true } : queued);
}

function start(state: RolloutState, { started }: Of<"start">): Answer {
  if (state.phase === "absent") requireStarted(state);
  if (state.phase !== "queued") return ignored(`this rollout is ${state.phase} already`);
  return fact("rollout.started", started, [
    { name: "deadline", time: later(started.deadline, DEADLINE_GRACE_MS) },
  ]);
}

function releaseFailed(state: RolloutState, { failed, epoch, at }: Of<"release-failed">): Answer {
  if (hasEnded(state)) return ignored(`this rollout is ${state.phase} already`);
  requireStarted(state);
  const back = rolledBackAt(at, {
    modelVersion: failed.modelVersion,
    trigger: "release-failed",
    reason: failed.message,
    ...(epoch === undefined ? {} : { epoch }),
  });
  return happens<RolloutFactType>([{ type: "release.failed", data: failed }, ...back.facts], back.due);
}

function claim(state: RolloutState, { execution }: Of<"claim">): Answer {
  requireStarted(state);
  if (state.execution === execution) return ignored("this execution owns the rollout already");
  if (state.execution === undefined) return fact("rollout.claimed", { execution });
  throw new ControlPlaneError(
    "ABORTED",
    `The rollout belongs to the execution ${state.execution}: end this one.`,
    { reason: "CLAIMED_ELSEWHERE", field: "execution", metadata: { owner: state.execution } },
  );
}

function step(state: RolloutState, { change }: Of<"step">): Answer {
  if (hasEnded(state)) return ignored(`this rollout is ${state.phase} already`);
  requireStarted(state);
  return change.step <= state.step
    ? ignored(`the rollout is at step ${state.step} already`)
    : fact("rollout.step-changed", change);
}

function pause(state: RolloutState, { paused, reason }: Of<"pause">): Answer {
  requireStarted(state);
  return state.paused === paused
    ? ignored(paused ? "the rollout is paused already" : "the rollout is not paused")
    : fact("rollout.paused", { paused, reason });
}

function judged(state: RolloutState, { judged, final }: Of<"judged">): Answer {
  if (hasEnded(state)) return ignored(`this rollout is ${state.phase} already`);
  requireStarted(state);
  const before = state.judged?.verdict ?? "inconclusive";
  return judged.verdict === before && !final
    ? ignored(`the verdict is ${before} as before`)
    : fact("rollout.judged", judged);
}

function promote(state: RolloutState, { epoch, override, at }: Of<"promote">): Answer {
  if (state.phase === "promoted") return ignored("this rollout is promoted already");
  const started = requireStarted(state);
  return promotedAt(at, started, { epoch, override: override || state.override });
}

function takeBack(state: RolloutState, { trigger, reason, epoch, at }: Of<"take-back">): Answer {
  if (hasEnded(state)) return ignored(`this rollout is ${state.phase} already`);
  const { modelVersion } = requireStarted(state);
  return rolledBackAt(at, { modelVersion, trigger, reason, ...(epoch === undefined ? {} : { epoch }) });
}

function abort(state: RolloutState, { reason, epoch, at }: Of<"abort">): Answer {
  if (state.phase === "aborted") return ignored("this rollout is aborted already");
  const { modelVersion } =
    state.phase === "queued" && state.queued !== undefined ? state.queued : requireStarted(state);
  return abortedAt(at, { modelVersion, reason, ...(epoch === undefined ? {} : { epoch }) });
}

function decide(state: RolloutState, input: RolloutInput): Answer {
  switch (input.kind) {
    case "queue":
      return queue(state, input);
    case "start":
      return start(state, input);
    case "release-prepared":
      if (hasEnded(state)) return ignored(`this rollout is ${state.phase} already`);
      requireStarted(state);
      return state.release === "preparing"
        ? fact("release.prepared", input.prepared)
        : ignored(`the release is ${state.release} already`);
    case "release-failed":
      return releaseFailed(state, input);
    case "claim":
      return claim(state, input);
    case "step":
      return step(state, input);
    case "pause":
      return pause(state, input);
    case "judged":
      return judged(state, input);
    case "promote":
      return promote(state, input);
    case "take-back":
      return takeBack(state, input);
    case "abort":
      return abort(state, input);
    case "observe-move":
      return observeMove(state, input.move);
  }
}

/** The rule of one rollout. */
export const rollout: Decider<RolloutState, RolloutInput, RolloutFactType> = {
  initial: NO_ROLLOUT,
  decide,
  evolve: evolveRollout,
};
