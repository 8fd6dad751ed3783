// The read model of lineage: one document a node, each with its whole ancestry.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { grow } from "../../shared/domain/lineage.ts";
import { LINEAGE_FACTS, lineageClaims } from "../../shared/domain/lineage-claims.ts";
import type { LineageNode } from "../../shared/domain/lineage-node.ts";
import type { ViewDocument, ViewPut } from "../../shared/ports/views.ts";
import type { Projection, ReadView } from "../../shared/runtime/project.ts";

/** Rounds of looking up what growth asks for: one a level of the graph below a late fact. */
export const LINEAGE_ROUNDS_MAX = 1_000;

/** The collection of nodes. */
export const LINEAGE_COLLECTION = "lineageNodes";

async function lookUp(read: ReadView, name: string): Promise<readonly [string, LineageNode | null]> {
  const document = await read(LINEAGE_COLLECTION, name);
  return [name, document === undefined ? null : (document as unknown as LineageNode)];
}

async function grown(fact: AnyFact, read: ReadView): Promise<readonly LineageNode[]> {
  const claims = lineageClaims(fact);
  if (claims === undefined) return [];
  const known = new Map<string, LineageNode | null>();
  for (let round = 0; round < LINEAGE_ROUNDS_MAX; round++) {
    const growth = grow(known, claims);
    if (growth.kind === "grown") return growth.nodes;
    const found = await Promise.all(growth.names.map((name) => lookUp(read, name)));
    for (const [name, node] of found) known.set(name, node);
  }
  throw new ControlPlaneError(
    "RESOURCE_EXHAUSTED",
    `The lineage below ${fact.subject} is deeper than ${LINEAGE_ROUNDS_MAX} levels; its ancestry was not repaired. Look for a dataset that is rebuilt from itself.`,
    { reason: "LINEAGE_TOO_DEEP", metadata: { fact: fact.id } },
  );
}

/** Collection `lineageNodes`. The documents do not depend on the order of facts, so late facts and a rebuild agree. */
export const lineageViews: Projection = {
  name: "lineage",
  types: LINEAGE_FACTS,
  async apply(fact, read): Promise<readonly ViewPut[]> {
    const nodes = await grown(fact, read);
    return nodes.map((node) => ({
      collection: LINEAGE_COLLECTION,
      key: node.name,
      document: { ...node } as ViewDocument,
    }));
  },
};
