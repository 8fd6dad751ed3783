// A run as the API serves it, folded from its facts. The view and the answer to a request are the same document.
import type { FactOf } from "./fact.ts";
import type { ResourceDocument } from "./model-document.ts";
import type { RunFact } from "./run.ts";

const ENDS = {
  "run.finished": "FINISHED",
  "run.failed": "FAILED",
  "run.cancelled": "CANCELLED",
  "run.timed-out": "TIMED_OUT",
  "run.lost": "LOST",
} as const satisfies Partial<Record<RunFact, string>>;

/** The document after one more fact: the run's own, or the dataset version that it made, in whatever order the two streams come. */
export function runDocument(
  before: ResourceDocument | undefined,
  fact: FactOf<RunFact | "dataset-version.created">,
): ResourceDocument {
  const earlier = before?.["updateTime"];
  const updateTime = typeof earlier === "string" && earlier > fact.time ? earlier : fact.time;
  const changed = { ...before, updateTime };
  switch (fact.type) {
    case "run.requested":
      return {
        ...changed,
        name: fact.subject,
        createTime: fact.time,
        createdBy: fact.actor,
        state: "REQUESTED",
        ...fact.data,
      };
    case "run.claimed":
      return { ...changed, state: "CLAIMED", execution: fact.data.execution };
    case "run.submitted":
      return { ...changed, state: "SUBMITTED", ...fact.data, submitTime: fact.time };
    case "dataset-version.created":
      return { ...changed, datasetVersion: fact.data.datasetVersion };
    default:
      return { ...changed, ...fact.data, state: ENDS[fact.type], endTime: fact.time };
  }
}
