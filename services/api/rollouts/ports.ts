// What the rollout operations need from the world, and what they answer.
import { ROLLOUT_STATES, type RolloutState } from "../../../shared/domain/rollout-state.ts";
import type { Deploys } from "../../../shared/ports/deploys.ts";
import type { Metrics } from "../../../shared/ports/metrics.ts";
import type { Log } from "../../../shared/runtime/log.ts";
import type { RolloutMovePorts } from "../../../shared/runtime/rollout-standing.ts";

/** Ports of the rollout operations. */
export interface RolloutPorts extends RolloutMovePorts {
  readonly deploys: Pick<Deploys, "status">;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** A rollout as an operation leaves it. */
export interface RolloutAnswer {
  readonly name: string;
  /** QUEUED, RUNNING, PROMOTED, ROLLED_BACK or ABORTED. */
  readonly state: string;
  readonly modelVersion: string;
  readonly step: number;
  /** Percent of the traffic that the new version has. */
  readonly weight: number;
  readonly paused: boolean;
  readonly reason: string;
}

/** The answer for a rollout as it stands. */
export function answerOf(name: string, state: RolloutState): RolloutAnswer {
  return {
    name,
    state: ROLLOUT_STATES[state.phase],
    modelVersion: state.queued?.modelVersion ?? "",
    step: state.step,
    weight: state.phase === "rolled-back" || state.phase === "aborted" ? 0 : state.weight,
    paused: state.paused,
    reason: state.endReason ?? "",
  };
}
