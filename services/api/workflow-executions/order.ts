// The order of a list of executions: `startTime desc`, `state, duration`.
import { invalidArgument } from "../../../shared/domain/errors.ts";
import type { WorkflowExecution } from "../../../shared/ports/workflow-executions.ts";
import { durationSeconds } from "./resource.ts";

type Key = (execution: WorkflowExecution) => string | number;

const KEYS: Readonly<Record<string, Key>> = {
  executionid: ({ id }) => id,
  createtime: ({ createdAt }) => createdAt,
  starttime: ({ startedAt, createdAt }) => startedAt ?? createdAt,
  endtime: ({ endedAt }) => endedAt ?? "",
  duration: (execution) => durationSeconds(execution) ?? -1,
  state: ({ state }) => state,
  workflowrevisionid: ({ revision }) => revision,
};

/** How two executions are ordered; newest first when nothing is asked for. Throws INVALID_ARGUMENT. */
export function orderOf(text: string): (one: WorkflowExecution, other: WorkflowExecution) => number {
  const asked = text.trim() === "" ? "startTime desc" : text;
  const keys = asked.split(",").map((part) => {
    const [, field = "", direction] = /^\s*(\w+)(?:\s+(asc|desc))?\s*$/i.exec(part) ?? [];
    const key = KEYS[field.toLowerCase().replaceAll("_", "")];
    if (key === undefined) {
      throw invalidArgument(
        "orderBy",
        `orderBy ${JSON.stringify(part.trim())} is not known: use executionID, createTime, startTime, endTime, duration, ` +
          "state or workflowRevisionID, each with asc or desc behind it.",
        "INVALID_ORDER",
      );
    }
    return { key, sign: direction?.toLowerCase() === "desc" ? -1 : 1 };
  });
  return (one, other) => {
    for (const { key, sign } of keys) {
      const [a, b] = [key(one), key(other)];
      if (a !== b) return a < b ? -sign : sign;
    }
    return 0;
  };
}
