// Read models of models and their versions.
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { ModelFact } from "../../shared/domain/model.ts";
import { modelVersionDocument } from "../../shared/domain/model-document.ts";
import { lastId } from "../../shared/domain/names.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { Projection } from "../../shared/runtime/project.ts";

const count = (before: ViewDocument | undefined): number => Number(before?.["versionCount"] ?? 0);

function modelDocument(fact: FactOf<ModelFact>, before: ViewDocument | undefined): ViewDocument {
  const version = lastId(fact.data.modelVersion);
  const base = { name: fact.subject, createTime: fact.time, ...before, updateTime: fact.time };
  if (fact.type === "model-version.created") {
    return { ...base, versionCount: count(before) + 1, latestVersion: version };
  }
  if (fact.type === "model-version.verified") return { ...base, latestVerifiedVersion: version };
  if (before?.["latestVerifiedVersion"] !== version) return base;
  const { latestVerifiedVersion: _gone, ...rest } = base as ViewDocument;
  return rest;
}

/** Collections `models` and `modelVersions`. */
export const modelViews: Projection = {
  name: "models",
  types: [
    "model-version.created",
    "model-version.verified",
    "model-version.rejected",
    "model-version.quarantined",
  ],
  async apply(fact: AnyFact, read): Promise<readonly ViewPut[]> {
    if (
      fact.type !== "model-version.created" &&
      fact.type !== "model-version.verified" &&
      fact.type !== "model-version.rejected" &&
      fact.type !== "model-version.quarantined"
    ) {
      return [];
    }
    const key = fact.data.modelVersion;
    const version = modelVersionDocument(await read("modelVersions", key), fact);
    const parent = modelDocument(fact, await read("models", fact.subject));
    return [
      { collection: "modelVersions", key, document: version },
      { collection: "models", key: fact.subject, document: parent },
    ];
  },
};
