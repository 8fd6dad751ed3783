// Read models of datasets and their versions.
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import { lastId } from "../../shared/domain/names.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { Projection } from "../../shared/runtime/project.ts";

/** The version's document. */
export function datasetVersionDocument(fact: FactOf<"dataset-version.created">): ViewDocument {
  const { datasetVersion, ...rest } = fact.data;
  return {
    name: datasetVersion,
    createTime: fact.time,
    updateTime: fact.time,
    createdBy: fact.actor,
    ...rest,
  };
}

/** Collections `datasets` and `datasetVersions`. */
export const datasetViews: Projection = {
  name: "datasets",
  types: ["dataset-version.created"],
  async apply(fact: AnyFact, read): Promise<readonly ViewPut[]> {
    if (fact.type !== "dataset-version.created") return [];
    const before = await read("datasets", fact.subject);
    const document = {
      name: fact.subject,
      createTime: fact.time,
      ...before,
      updateTime: fact.time,
      versionCount: Number(before?.["versionCount"] ?? 0) + 1,
      latestVersion: lastId(fact.data.datasetVersion),
    };
    return [
      {
        collection: "datasetVersions",
        key: fact.data.datasetVersion,
        document: datasetVersionDocument(fact),
      },
      { collection: "datasets", key: fact.subject, document },
    ];
  },
};
