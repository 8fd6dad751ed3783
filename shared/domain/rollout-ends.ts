// The ways in which a rollout ends, with the timers that clean up after it.
import type { Decision, Due } from "./decider.ts";
import type { Draft } from "./fact.ts";
import type { FactData } from "./facts.ts";
import type { RolloutFactType } from "./rollout-state.ts";

/** After the time limit the workflow is given this long to end the rollout itself; then the durable timer does. */
export const DEADLINE_GRACE_MS = 30_000;

/** A backend that has lost its traffic finishes its last requests for this long before it is stopped. */
export const DRAIN_MS = 10_000;

type Happening = Extract<Decision<RolloutFactType>, { kind: "facts" }>;

/** RFC 3339 of a time some milliseconds after another. */
export function later(time: string, ms: number): string {
  return new Date(Date.parse(time) + ms).toISOString();
}

const ending = (draft: Draft<RolloutFactType>, ...due: readonly Due[]): Happening => ({
  kind: "facts",
  facts: [draft],
  due,
});

const drain = (at: string): Due => ({ name: "drain", time: later(at, DRAIN_MS) });

/** Promoted; its predecessor stays warm for the standby time. */
export function promotedAt(
  at: string,
  started: FactData<"rollout.started">,
  { epoch, override }: { readonly epoch: number; readonly override: boolean },
): Happening {
  const { modelVersion, previous, standbyMs } = started;
  const promoted: Draft<RolloutFactType> = {
    type: "rollout.promoted",
    data: { modelVersion, epoch, override },
  };
  return previous === null
    ? ending(promoted)
    : ending(promoted, { name: "standby", time: later(at, standbyMs) });
}

/** Rolled back; its backend is stopped once it has drained. */
export function rolledBackAt(at: string, data: FactData<"rollout.rolled-back">): Happening {
  return ending({ type: "rollout.rolled-back", data }, drain(at));
}

/** Aborted; its backend is stopped once it has drained. */
export function abortedAt(at: string, data: FactData<"rollout.aborted">): Happening {
  return ending({ type: "rollout.aborted", data }, drain(at));
}
