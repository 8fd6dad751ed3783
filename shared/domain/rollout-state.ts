// A rollout as its facts tell it. Phases: absent → queued → started → one of promoted, rolled-back, aborted, and nothing after.
import type { FactOf } from "./fact.ts";
import type { FactData } from "./facts.ts";

/** Facts of a rollout's stream. */
export type RolloutFactType =
  | "rollout.queued"
  | "rollout.started"
  | "release.prepared"
  | "release.failed"
  | "rollout.claimed"
  | "rollout.step-changed"
  | "rollout.paused"
  | "rollout.judged"
  | "rollout.promoted"
  | "rollout.rolled-back"
  | "rollout.aborted";

/** Where a rollout is. */
export type RolloutPhase = "absent" | "queued" | "started" | "promoted" | "rolled-back" | "aborted";

/** Phase → the state that resources show. */
export const ROLLOUT_STATES: Readonly<Record<RolloutPhase, string>> = {
  absent: "ABSENT",
  queued: "QUEUED",
  started: "RUNNING",
  promoted: "PROMOTED",
  "rolled-back": "ROLLED_BACK",
  aborted: "ABORTED",
};

/** A rollout as it stands. */
export interface RolloutState {
  readonly phase: RolloutPhase;
  readonly queued?: FactData<"rollout.queued">;
  readonly started?: FactData<"rollout.started">;
  /** RFC 3339 of the start. */
  readonly startedAt?: string;
  readonly release: "preparing" | "ready" | "failed";
  /** How long the release took until it was ready. */
  readonly preparedMs?: number;
  /** The execution that owns the rollout. */
  readonly execution?: string;
  /** Index of the step that the weights are at; -1 before the candidate has traffic. */
  readonly step: number;
  /** The candidate's share of the traffic, in percent. */
  readonly weight: number;
  /** Epoch of the rollout's last move. */
  readonly epoch?: number;
  readonly paused: boolean;
  readonly judged?: FactData<"rollout.judged">;
  /** Whether a person has moved it on before its time. */
  readonly override: boolean;
  /** Why it ended. */
  readonly endReason?: string;
}

/** A rollout that nobody has asked for. */
export const NO_ROLLOUT: RolloutState = {
  phase: "absent",
  release: "preparing",
  step: -1,
  weight: 0,
  paused: false,
  override: false,
};

/** Whether the rollout is over: nothing can happen to it any more. */
export function hasEnded({ phase }: RolloutState): boolean {
  return phase === "promoted" || phase === "rolled-back" || phase === "aborted";
}

const ended = (
  state: RolloutState,
  phase: RolloutPhase,
  reason: string,
  epoch: number | undefined,
): RolloutState => ({
  ...state,
  phase,
  endReason: reason,
  ...(epoch === undefined ? {} : { epoch }),
});

/** The state after one more fact. */
export function evolveRollout(state: RolloutState, fact: FactOf<RolloutFactType>): RolloutState {
  switch (fact.type) {
    case "rollout.queued":
      return { ...state, phase: "queued", queued: fact.data };
    case "rollout.started":
      return { ...state, phase: "started", started: fact.data, startedAt: fact.time };
    case "release.prepared":
      return { ...state, release: "ready", preparedMs: fact.data.durationMs };
    case "release.failed":
      return { ...state, release: "failed" };
    case "rollout.claimed":
      return { ...state, execution: fact.data.execution };
    case "rollout.step-changed":
      return {
        ...state,
        step: fact.data.step,
        weight: fact.data.weight,
        epoch: fact.data.epoch,
        override: state.override || fact.data.override,
      };
    case "rollout.paused":
      return { ...state, paused: fact.data.paused };
    case "rollout.judged":
      return { ...state, judged: fact.data };
    case "rollout.promoted":
      return {
        ...ended({ ...state, weight: 100 }, "promoted", "promoted", fact.data.epoch),
        override: fact.data.override,
      };
    case "rollout.rolled-back":
      return ended(state, "rolled-back", fact.data.reason, fact.data.epoch);
    case "rollout.aborted":
      return ended(state, "aborted", fact.data.reason, fact.data.epoch);
  }
}
