// A long stream for measuring: moves of an endpoint's traffic, one after the other.
import { type AnyFact, factId } from "../shared/domain/fact.ts";
import type { Batch } from "../shared/ports/ledger.ts";

/** When the moves were made. */
export const MOVED_AT = "2026-01-01T00:00:00.000Z";

/** The batch that makes the stream's version `epoch`, with its one fact. */
export function movedBatch(stream: string, epoch: number): Batch {
  const cause = `c${epoch}`;
  const actor = "services/rollout";
  const fact: AnyFact = {
    id: factId(stream, cause, 0),
    type: "traffic.moved",
    subject: stream,
    version: epoch,
    time: MOVED_AT,
    cause,
    correlation: "",
    actor,
    data: {
      epoch,
      kind: "advance",
      moveCause: `${stream}/rollouts/ranker-${epoch}-1-abcd/step-0`,
      reason:
        "Inconclusive. Canary: 0 errors in 290 requests (0 %); control: 0 errors in 1,510 requests (0 %).",
      from: { "teams/default/models/ranker/versions/1": 100 },
      to: { "teams/default/models/ranker/versions/1": 95, "teams/default/models/ranker/versions/2": 5 },
      movedAt: MOVED_AT,
    },
  };
  return { stream, cause, actor, time: MOVED_AT, inputHash: "", facts: [fact], due: [], expected: epoch - 1 };
}
