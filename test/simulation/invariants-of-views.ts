// Views are what the ledger says: made again from the first fact on they are the same, and lineage goes in no circle.
import canonicalize from "canonicalize";
import { createProjector } from "../../shared/runtime/project.ts";
import { DATA_VIEWS } from "../../services/data/views.ts";
import { PROVISIONER_VIEWS } from "../../services/provisioner/views.ts";
import { REGISTRY_VIEWS } from "../../services/registry/views.ts";
import { ROLLOUT_VIEWS } from "../../services/rollout/views.ts";
import type { Outside } from "./outside.ts";

const ROWS_MAX = 1_000;
const COLLECTIONS: readonly string[] = [
  "stacks",
  "plans",
  "applies",
  "openBuilds",
  "waitingPlans",
  "waitingApplies",
  "plansByClosure",
  "plansByPullRequest",
  "models",
  "modelVersions",
  "lineageNodes",
  "endpoints",
  "rollouts",
  "runs",
  "activeRuns",
  "datasets",
  "datasetVersions",
  "servingIntervals",
];

const listed = ({ views }: Outside, collection: string) => views.list({ collection, limit: ROWS_MAX });

async function dump(outside: Outside): Promise<string> {
  const parts: string[] = [];
  for (const collection of COLLECTIONS)
    for (const { key, document } of await listed(outside, collection)) {
      // Of two plans requested at the same moment either may be the newest.
      const compared = collection.startsWith("plansBy") ? document["time"] : document;
      parts.push(`${collection} ${key} ${canonicalize(compared)}`);
    }
  return parts.join("\n");
}

/** Views made again from the first fact on are the views that are there. */
export async function viewProblems(outside: Outside): Promise<readonly string[]> {
  const before = await dump(outside);
  const projections = [...PROVISIONER_VIEWS, ...REGISTRY_VIEWS, ...ROLLOUT_VIEWS, ...DATA_VIEWS];
  await createProjector(outside, projections).rebuild();
  const after = await dump(outside);
  if (before === after) return [];
  const kept = new Set(after.split("\n"));
  const made = new Set(before.split("\n"));
  const first = [...made].find((line) => !kept.has(line));
  const second = [...kept].find((line) => !made.has(line));
  return [`a rebuild changes the views:\n  was ${first}\n  is  ${second}`];
}

/** No node is its own ancestor, and every ancestor is a node that is known. */
export async function lineageProblems(outside: Outside): Promise<readonly string[]> {
  const nodes = await listed(outside, "lineageNodes");
  const known = new Set(nodes.map(({ key }) => key));
  return nodes.flatMap(({ key, document }) => {
    const ancestors = Object.keys(document["ancestors"] as object);
    const lost = ancestors.filter((ancestor) => !known.has(ancestor));
    return [
      ...(ancestors.includes(key) ? [`${key} is its own ancestor`] : []),
      ...lost.map((ancestor) => `${key} comes from ${ancestor}, which is no node`),
    ];
  });
}
