import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnyFact } from "../../shared/domain/fact.ts";
import { grow } from "../../shared/domain/lineage.ts";
import { lineageClaims } from "../../shared/domain/lineage-claims.ts";
import type { LineageNode } from "../../shared/domain/lineage-node.ts";
import {
  arbitraryFacts,
  DATASET,
  datasetVersion,
  DIGEST,
  MODEL,
  modelVersion,
  RUN,
  runRequested,
  story,
} from "./lineage-stories.ts";

/** Grows a graph held in a map, looking up only what growth asks for. */
function apply(graph: Map<string, LineageNode>, fact: AnyFact): void {
  const claims = lineageClaims(fact);
  if (claims === undefined) return;
  const known = new Map<string, LineageNode | null>();
  for (let rounds = 0; rounds < 200; rounds++) {
    const growth = grow(known, claims);
    if (growth.kind === "grown") {
      for (const node of growth.nodes) graph.set(node.name, node);
      return;
    }
    for (const name of growth.names) known.set(name, graph.get(name) ?? null);
  }
  throw new Error("growth never had enough");
}

function graphOf(facts: readonly AnyFact[]): Map<string, LineageNode> {
  const graph = new Map<string, LineageNode>();
  for (const fact of facts) apply(graph, fact);
  return graph;
}

const byName = (graph: Map<string, LineageNode>) =>
  Object.fromEntries([...graph].toSorted(([one], [other]) => (one < other ? -1 : 1)));

/** Everything above a node, found the slow way. */
function closure(graph: Map<string, LineageNode>, name: string): Set<string> {
  const found = new Set<string>();
  const visit = (of: string) => {
    for (const parent of graph.get(of)?.parents ?? []) {
      if (found.has(parent.name)) continue;
      found.add(parent.name);
      visit(parent.name);
    }
  };
  visit(name);
  return found;
}

describe("the lineage graph", () => {
  it("tells what trained a version in one node", () => {
    const graph = graphOf(story());
    const node = graph.get(MODEL(2));
    const above = Object.entries(node?.ancestors ?? {}).map(([name, { type, depth, roles }]) => ({
      name,
      type,
      depth,
      roles,
    }));
    expect(above).toStrictEqual([
      { name: "teams/default/trainingRuns/train-2", type: "trainingRun", depth: 1, roles: ["trainedBy"] },
      { name: "commits/beef", type: "commit", depth: 2, roles: ["trainedBy", "builtFrom"] },
      { name: DATASET("products"), type: "datasetVersion", depth: 2, roles: ["trainedBy", "trainedOn"] },
      { name: RUN("catalogue"), type: "run", depth: 3, roles: ["trainedBy", "trainedOn", "producedBy"] },
      {
        name: `artifacts/${DIGEST(7)}`,
        type: "artifact",
        depth: 4,
        roles: ["trainedBy", "trainedOn", "producedBy", "consumed"],
      },
      {
        name: "commits/c0ffee",
        type: "commit",
        depth: 4,
        roles: ["trainedBy", "trainedOn", "producedBy", "builtFrom"],
      },
    ]);
  });

  it("declares what is only mentioned, and repairs it when the fact comes late", () => {
    const [run, dataset, version] = story();
    if (run === undefined || dataset === undefined || version === undefined) throw new Error("no story");
    const graph = graphOf([version]);
    expect(graph.get(DATASET("products"))?.recorded).toBe(false);
    expect(graph.get(MODEL(2))?.ancestors[DATASET("products")]?.recorded).toBe(false);
    apply(graph, dataset);
    expect(graph.get(MODEL(2))?.ancestors[DATASET("products")]?.recorded).toBe(true);
    expect(graph.get(MODEL(2))?.ancestors[RUN("catalogue")]?.recorded).toBe(false);
    apply(graph, run);
    expect(byName(graph)).toStrictEqual(byName(graphOf(story())));
  });

  it("links by content: bytes that a run reads are traced to the dataset version that they are", () => {
    const graph = graphOf([
      datasetVersion("raw", { digest: DIGEST(5) }),
      runRequested("clean", [{ uri: "file:///copy-of-raw", digest: DIGEST(5) }]),
    ]);
    expect(graph.get(RUN("clean"))?.ancestors[DATASET("raw")]?.roles).toStrictEqual([
      "consumed",
      "contentOf",
    ]);
  });

  it("refuses the edge that closes a circle, the one said last, in whatever order the facts arrive", () => {
    const facts = [
      runRequested("one", [{ datasetVersion: DATASET("aa") }], undefined, 1),
      datasetVersion("bbb", { run: RUN("one") }, 2),
      runRequested("two", [{ datasetVersion: DATASET("bbb") }], undefined, 3),
      datasetVersion("aa", { run: RUN("two") }, 4),
    ];
    for (const order of [facts, facts.toReversed()]) {
      const graph = graphOf(order);
      expect(graph.get(DATASET("aa"))?.refused.map((edge) => edge.name)).toStrictEqual([RUN("two")]);
      expect(graph.get(DATASET("aa"))?.parents).toStrictEqual([]);
      expect(Object.keys(graph.get(RUN("two"))?.ancestors ?? {}).toSorted()).toStrictEqual(
        [DATASET("aa"), DATASET("bbb"), RUN("one")].toSorted(),
      );
    }
  });

  it("drops the inference, not what was said, when a run gives back the bytes that it read", () => {
    const graph = graphOf([
      datasetVersion("same", { run: RUN("copy"), digest: DIGEST(5) }, 1),
      runRequested("copy", [{ uri: "file:///raw", digest: DIGEST(5) }], undefined, 2),
    ]);
    expect(graph.get(`artifacts/${DIGEST(5)}`)?.refused.map(({ role }) => role)).toStrictEqual(["contentOf"]);
    expect(Object.keys(graph.get(DATASET("same"))?.ancestors ?? {})).toStrictEqual([
      RUN("copy"),
      `artifacts/${DIGEST(5)}`,
    ]);
  });

  it("leaves old nodes alone when a new version names them, but for the list of their children", () => {
    const graph = graphOf(story());
    const before = new Map(graph);
    apply(graph, modelVersion(3, { trainingRun: "train-3", datasets: [DATASET("products")] }, 9));
    const touched = [...graph].filter(([name, node]) => before.get(name) !== node).map(([name]) => name);
    expect(touched.toSorted()).toStrictEqual(
      [
        MODEL(3),
        `artifacts/${DIGEST(3)}`,
        "teams/default/trainingRuns/train-3",
        DATASET("products"),
      ].toSorted(),
    );
  });

  it("never has a circle, and ancestors are the transitive closure of the accepted edges", () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        const graph = graphOf(facts);
        for (const [name, node] of graph) {
          const above = closure(graph, name);
          expect(above.has(name)).toBe(false);
          expect(Object.keys(node.ancestors).toSorted()).toStrictEqual([...above].toSorted());
          for (const parent of node.parents) expect(graph.get(parent.name)?.children).toContain(name);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("is the same for every order of the same facts, said once or twice", () => {
    fc.assert(
      fc.property(
        arbitraryFacts.chain((facts) =>
          fc.record({
            facts: fc.constant(facts),
            other: fc.shuffledSubarray(facts, { minLength: facts.length }),
          }),
        ),
        ({ facts, other }) => {
          const graph = byName(graphOf(facts));
          expect(byName(graphOf(other))).toStrictEqual(graph);
          expect(byName(graphOf([...other, ...facts]))).toStrictEqual(graph);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("keeps every edge that anyone said, accepted or refused", () => {
    fc.assert(
      fc.property(arbitraryFacts, (facts) => {
        const graph = graphOf(facts);
        for (const edge of facts.flatMap((fact) => lineageClaims(fact)?.edges ?? [])) {
          const node = graph.get(edge.child);
          const kept = [...(node?.parents ?? []), ...(node?.refused ?? [])];
          expect(kept.some((other) => other.name === edge.parent && other.role === edge.role)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});
