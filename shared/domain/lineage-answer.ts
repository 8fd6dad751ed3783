// Lineage in words and steps: version ← training run ← dataset version ← data run ← commit, with every gap said aloud.
import { lineageLabel, type LineageRole, type LineageType } from "./lineage-claims.ts";
import type { LineageNode } from "./lineage-node.ts";

/** One node of an answer. */
export interface LineageAnswerNode {
  readonly name: string;
  readonly type: LineageType;
  readonly label: string;
  /** False: only mentioned, nothing recorded how it was made. */
  readonly recorded: boolean;
  readonly details: Readonly<Record<string, string | number>>;
  /** Edges from the node that was asked about; 0 for itself. */
  readonly depth: number;
  readonly roles: readonly LineageRole[];
}

/** One edge of an answer, from what was made to what it was made from. */
export interface LineageAnswerEdge {
  readonly child: string;
  readonly parent: string;
  readonly role: LineageRole;
}

/** One link of a chain; `name` null where nothing is recorded. */
export interface LineageStep {
  readonly step: "modelVersion" | "trainingRun" | "datasetVersion" | "dataRun" | "commit";
  readonly name: string | null;
  /** Such as `dataset version products 1` or `data run: none recorded`. */
  readonly text: string;
}

/** Which way is asked, and how far. */
export interface LineageQuestion {
  readonly direction: "upstream" | "downstream";
  readonly maxDepth: number;
}

/** Longest way that is followed unless the question says less. */
export const LINEAGE_DEPTH_MAX = 100;

type Parents = readonly { readonly name: string; readonly role: LineageRole }[];

const WORDS: Readonly<Record<LineageStep["step"], string>> = {
  modelVersion: "model version",
  trainingRun: "training run",
  datasetVersion: "dataset version",
  dataRun: "data run",
  commit: "commit",
};

function step(kind: LineageStep["step"], name: string | undefined): LineageStep {
  if (name === undefined) return { step: kind, name: null, text: `${WORDS[kind]}: none recorded` };
  return { step: kind, name, text: `${WORDS[kind]} ${lineageLabel(name)}` };
}

const withRole = (parents: Parents, role: LineageRole): string[] =>
  parents.filter((parent) => parent.role === role).map(({ name }) => name);

/** The steps from a dataset version on: the run that made it and the commit of that run. */
function ofDataset(dataset: string | undefined, parentsOf: (name: string) => Parents): LineageStep[] {
  const parents = dataset === undefined ? [] : parentsOf(dataset);
  const [run] = withRole(parents, "producedBy");
  const [commit] = withRole(run === undefined ? parents : parentsOf(run), "builtFrom");
  return [step("datasetVersion", dataset), step("dataRun", run), step("commit", commit)];
}

/**
 * The chains of one node, in the order in which people ask: one for each dataset version that it was trained on (or one that
 * says there is none). A node of another type has the tail of such a chain, and commits and artifacts have none.
 */
export function lineageChains(node: LineageNode): readonly (readonly LineageStep[])[] {
  const parentsOf = (name: string): Parents =>
    name === node.name ? node.parents : (node.ancestors[name]?.parents ?? []);
  const several = (names: readonly string[]): readonly (string | undefined)[] =>
    names.length > 0 ? names : [undefined];
  const isTrainer =
    node.type === "trainingRun" || (node.type === "run" && withRole(node.parents, "trainedOn").length > 0);
  if (node.type === "datasetVersion") return [ofDataset(node.name, parentsOf)];
  if (node.type === "run" && !isTrainer) {
    const [commit] = withRole(node.parents, "builtFrom");
    return [[step("dataRun", node.name), step("commit", commit)]];
  }
  if (node.type !== "modelVersion" && !isTrainer) return [];
  const [trainer] = isTrainer ? [node.name] : withRole(node.parents, "trainedBy");
  const learner = trainer ?? node.name;
  const head = isTrainer ? [] : [step("modelVersion", node.name)];
  return several(withRole(parentsOf(learner), "trainedOn")).map((dataset) => [
    ...head,
    step("trainingRun", trainer),
    ...ofDataset(dataset, parentsOf),
  ]);
}

/** A chain as one line for people. */
export function chainText(chain: readonly LineageStep[]): string {
  return chain.map(({ text }) => text).join(" ← ");
}

/** The node itself, as it appears in answers. */
export function selfAnswer(node: LineageNode): LineageAnswerNode {
  const { name, type, label, recorded, details } = node;
  return { name, type, label, recorded, details, depth: 0, roles: [] };
}

/** Everything upstream up to a depth, nearest first: all from the one document. */
export function upstream(
  node: LineageNode,
  maxDepth: number,
): { readonly nodes: readonly LineageAnswerNode[]; readonly edges: readonly LineageAnswerEdge[] } {
  const near = Object.entries(node.ancestors)
    .filter(([, { depth }]) => depth <= maxDepth)
    .toSorted(([a, one], [b, other]) => one.depth - other.depth || (a < b ? -1 : 1));
  const nodes = near.map(([name, { parents: _parents, ...rest }]) => ({ name, ...rest }));
  const known = new Set([node.name, ...nodes.map(({ name }) => name)]);
  const edgesOf = (child: string, parents: Parents): LineageAnswerEdge[] =>
    parents.filter(({ name }) => known.has(name)).map(({ name, role }) => ({ child, parent: name, role }));
  const edges = [
    ...edgesOf(node.name, node.parents),
    ...near.flatMap(([name, { parents }]) => edgesOf(name, parents)),
  ];
  return { nodes, edges };
}
