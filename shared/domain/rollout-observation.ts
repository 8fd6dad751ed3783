// What a move of traffic, seen in the traffic document, means for the rollout that runs. Also closes the gap that a crash
// leaves between a move of the rollout's own and its record.
import { type Decision, happens, ignored } from "./decider.ts";
import type { FactData } from "./facts.ts";
import { type MovePurpose, readMoveCause, rolloutName } from "./rollout-name.ts";
import { abortedAt, promotedAt, rolledBackAt } from "./rollout-ends.ts";
import { hasEnded, type RolloutFactType, type RolloutState } from "./rollout-state.ts";

type Moved = FactData<"traffic.moved">;

function own(
  state: RolloutState,
  started: FactData<"rollout.started">,
  move: Moved,
  purpose: MovePurpose,
): Decision<RolloutFactType> {
  const { modelVersion } = started;
  const { epoch, movedAt, reason } = move;
  // An end is told with the move that took traffic away: one that changed no weight only refused what was under way.
  const end = { modelVersion, reason, ...((move.from[modelVersion] ?? 0) > 0 ? { epoch } : {}) };
  switch (purpose.kind) {
    case "step": {
      if (purpose.step <= state.step) return ignored(`the rollout is at step ${state.step} already`);
      const { step, override } = purpose;
      const weight = move.to[modelVersion] ?? 0;
      return happens<RolloutFactType>([
        { type: "rollout.step-changed", data: { step, weight, epoch, override } },
      ]);
    }
    case "promote":
      return promotedAt(movedAt, started, { epoch, override: purpose.override || state.override });
    case "take-back":
      return rolledBackAt(movedAt, { ...end, trigger: purpose.trigger });
    case "abort":
    case "replace":
      return abortedAt(movedAt, end);
  }
}

/** Decides on a move that is in the traffic document, whoever made it. Moves from before the start and known ones are ignored. */
export function observeMove(state: RolloutState, move: Moved): Decision<RolloutFactType> {
  const { started, startedAt, queued } = state;
  if (hasEnded(state)) return ignored(`this rollout is ${state.phase} already`);
  if (started === undefined || startedAt === undefined || queued === undefined) {
    return ignored("this rollout has not started");
  }
  if (state.epoch !== undefined && move.epoch <= state.epoch) return ignored(`epoch ${move.epoch} is known`);
  const { endpoint, modelVersion, attempt } = queued;
  const cause = readMoveCause(move.moveCause);
  if (cause?.rollout === rolloutName(endpoint, modelVersion, attempt)) {
    return own(state, started, move, cause.purpose);
  }
  if (cause !== undefined) return ignored("another rollout made this move");
  if (Date.parse(move.movedAt) < Date.parse(startedAt)) return ignored("this move is older than the rollout");
  const { epoch, movedAt, reason } = move;
  const lost = (move.from[modelVersion] ?? 0) > 0 && (move.to[modelVersion] ?? 0) === 0;
  return move.kind === "rollback" && lost
    ? rolledBackAt(movedAt, { modelVersion, trigger: "person", reason, epoch })
    : abortedAt(movedAt, {
        modelVersion,
        reason: `Traffic was moved by someone else (${move.kind}: ${reason}) while this rollout ran.`,
        epoch,
      });
}
