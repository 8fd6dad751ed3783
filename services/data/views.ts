// Read models of runs: every run, and the few that have not ended.
import { RUN_ENDS, type RunFact } from "../../shared/domain/run.ts";
import { runDocument } from "../../shared/domain/run-document.ts";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { Projection } from "../../shared/runtime/project.ts";

/** The collection of runs that have not ended: what the reconciler looks at. */
export const ACTIVE_RUNS_COLLECTION = "activeRuns";

const ENDS: ReadonlySet<FactType> = new Set(RUN_ENDS.map((end) => `run.${end}` as const));

const RUN_FACTS = [
  "run.requested",
  "run.claimed",
  "run.submitted",
  "run.finished",
  "run.failed",
  "run.cancelled",
  "run.timed-out",
  "run.lost",
  "dataset-version.created",
] as const satisfies readonly (RunFact | "dataset-version.created")[];

const isMine = (fact: AnyFact): fact is FactOf<(typeof RUN_FACTS)[number]> =>
  (RUN_FACTS as readonly FactType[]).includes(fact.type);

/** Collections `runs` and `activeRuns`. */
export const runViews: Projection = {
  name: "runs",
  types: RUN_FACTS,
  async apply(fact, read) {
    if (!isMine(fact)) return [];
    const key = fact.type === "dataset-version.created" ? fact.data.run : fact.subject;
    if (key === undefined) return [];
    const put = { collection: "runs", key, document: runDocument(await read("runs", key), fact) };
    if (fact.type === "run.requested") {
      const document = { name: key, createTime: fact.time, updateTime: fact.time };
      return [put, { collection: ACTIVE_RUNS_COLLECTION, key, document }];
    }
    return ENDS.has(fact.type) ? [put, { collection: ACTIVE_RUNS_COLLECTION, key, document: null }] : [put];
  },
};

/** Every read model that the data service keeps. */
export const DATA_VIEWS: readonly Projection[] = [runViews];
