// The interesting states: a batch of seeds that never reached one of them proves less than it seems to.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { History } from "./history.ts";

/** Seeds in a batch from which on it must have reached every interesting state. */
export const BATCH_MIN = 2_000;

/** States that a batch must reach at least once. */
export const SOMETIMES: readonly string[] = [
  "a crash",
  "a crash between append and publish",
  "a lost reply of a traffic move",
  "a lost reply of an append",
  "a lost reply of a build's start",
  "an execution taken up by the next process",
  "a fact delivered again",
  "a delivery that came twice",
  "an outage: ledger",
  "an outage: bus",
  "an outage: executions",
  "an outage: api",
  "apply.finished",
  "apply.failed SUPERSEDED",
  "apply.failed APPLY_FAILED",
  "apply.failed DEPENDENCY_FAILED",
  "apply.failed STALE_STATE",
  "stack.blocked",
  "stack.unblocked",
  "plan.superseded",
  "plan.approved",
  "a plan made again after its merge",
  "rollout.promoted",
  "rollout.rolled-back judge",
  "rollout.rolled-back timer",
  "rollout.rolled-back release-failed",
  "rollout.rolled-back person",
  "rollout.aborted",
  "a second version that waits its turn",
  "endpoint.held",
  "endpoint.resumed",
  "run.finished",
  "run.failed",
  "run.cancelled",
  "run.timed-out",
  "run.lost",
  "dataset-version.created",
  "a lost reply of a job's submission",
  "a restarted head",
  "a dead letter",
  "a dead letter replayed during traffic",
  "a backend that died",
  "a delivery that was missing",
  "a call later than every time limit",
  "a stale answer of builds.status",
  "a clock ahead",
  "a clock behind",
  "an outage of hours: ledger",
  "an outage of hours: bus",
  "an outage of hours: executions",
];

/** Marks what the facts of a history say was reached. */
export function markFacts(facts: readonly AnyFact[], history: History): void {
  for (const fact of facts) {
    history.mark(fact.type);
    if (fact.type === "apply.failed") history.mark(`${fact.type} ${fact.data.reason}`);
    if (fact.type === "rollout.rolled-back") history.mark(`${fact.type} ${fact.data.trigger}`);
    if (fact.type === "plan.requested" && fact.data.phase === "merge")
      history.mark("a plan made again after its merge");
    if (fact.type === "endpoint.queue-changed" && fact.data.waiting.length > 0)
      history.mark("a second version that waits its turn");
  }
}

/** States that no history of the batch reached. */
export function neverReached(marks: readonly ReadonlySet<string>[]): readonly string[] {
  return SOMETIMES.filter((state) => !marks.some((reached) => reached.has(state)));
}
