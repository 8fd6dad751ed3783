// A model version as the API serves it, folded from its facts. The view and the answer to a registration are the same document.
import type { FactOf } from "./fact.ts";
import type { ModelFact } from "./model.ts";

/** A document of the API: a resource as JSON. */
export type ResourceDocument = Readonly<Record<string, unknown>>;

const STATES = {
  "model-version.verified": "VERIFIED",
  "model-version.rejected": "REJECTED",
  "model-version.quarantined": "QUARANTINED",
} as const;

/** The document after one more fact about this version. */
export function modelVersionDocument(
  before: ResourceDocument | undefined,
  fact: FactOf<ModelFact>,
): ResourceDocument {
  if (fact.type === "model-version.created") {
    const { modelVersion: name, ...registration } = fact.data;
    const times = { createTime: fact.time, updateTime: fact.time };
    return { name, ...times, createdBy: fact.actor, state: "CREATED", ...registration };
  }
  const changed = { ...before, updateTime: fact.time, state: STATES[fact.type] };
  if (fact.type === "model-version.verified") return { ...changed, verifyTime: fact.time };
  if (fact.type === "model-version.quarantined") return { ...changed, reason: fact.data.reason };
  return { ...changed, reason: fact.data.reason, message: fact.data.message };
}
