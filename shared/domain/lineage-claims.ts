// What a fact says about where things come from: the nodes it records, the nodes it only mentions, and edges from child to parent.
import type { AnyFact, FactOf } from "./fact.ts";
import { shortHash } from "./fact.ts";
import type { FactData, FactType } from "./facts.ts";
import { lastId, parentName, parseName } from "./names.ts";

/** The kinds of nodes. A run is a data run, or a training run that Signalbox ran. */
export type LineageType = "modelVersion" | "trainingRun" | "datasetVersion" | "run" | "commit" | "artifact";

/** Why a child has this parent. */
export type LineageRole =
  /** A model version came out of this training run. */
  | "trainedBy"
  /** A training run, or a model version without one, learned from this dataset version. */
  | "trainedOn"
  /** A dataset version came out of this run. */
  | "producedBy"
  /** A run read this. */
  | "consumed"
  /** A declared dataset version was made from this. */
  | "derivedFrom"
  /** The code was at this commit. */
  | "builtFrom"
  /** These bytes are the content of that version. */
  | "contentOf";

const COMMIT_LABEL_CHARACTERS = 12;
/** `sha256:` and twelve digits. */
const ARTIFACT_LABEL_CHARACTERS = 19;

/** The facts that say something about lineage. */
export const LINEAGE_FACTS = [
  "model-version.created",
  "run.requested",
  "dataset-version.created",
] as const satisfies readonly FactType[];

/** Something that exists. `recorded`: we saw it made; otherwise it is declared, because something mentioned it. */
export interface NodeClaim {
  /** A resource name, or `commits/{commit}`, `artifacts/{digest}`, or a training run as it was named. */
  readonly name: string;
  readonly recorded: boolean;
  /** What a reader wants beside the name, such as digest, URI and rows. */
  readonly details: Readonly<Record<string, string | number>>;
}

/** An edge, and when it was first said: the order in which edges are accepted when some of them would close a circle. */
export interface EdgeClaim {
  readonly child: string;
  readonly parent: string;
  readonly role: LineageRole;
  /** Time, fact and index; compares as text. */
  readonly said: string;
}

/** All that one fact says. */
export interface LineageClaims {
  readonly time: string;
  readonly nodes: readonly NodeClaim[];
  readonly edges: readonly EdgeClaim[];
}

/** Name of the node of a commit. */
export const commitNode = (commit: string): string => `commits/${commit}`;
/** Name of the node of some bytes. */
export const artifactNode = (digest: string): string => `artifacts/${digest}`;

/** A training run that was named without its collection belongs to the team that named it. */
export function trainingRunNode(team: string, trainingRun: string): string {
  return /[/:]/.test(trainingRun) ? trainingRun : `teams/${team}/trainingRuns/${trainingRun}`;
}

/** The kind of a node follows from its name alone, so that two mentions never disagree. */
export function lineageType(name: string): LineageType {
  if (parseName("modelVersion", name) !== undefined) return "modelVersion";
  if (parseName("datasetVersion", name) !== undefined) return "datasetVersion";
  if (parseName("run", name) !== undefined) return "run";
  if (name.startsWith("commits/")) return "commit";
  return name.startsWith("artifacts/") ? "artifact" : "trainingRun";
}

/** A short text for people, such as `ranker 2`; follows from the name alone. */
export function lineageLabel(name: string): string {
  const type = lineageType(name);
  if (type === "modelVersion" || type === "datasetVersion")
    return `${lastId(parentName(name))} ${lastId(name)}`;
  if (type === "commit") return name.slice("commits/".length, "commits/".length + COMMIT_LABEL_CHARACTERS);
  if (type === "artifact")
    return name.slice("artifacts/".length, "artifacts/".length + ARTIFACT_LABEL_CHARACTERS);
  return type === "run" ? lastId(name) : (name.split("/").findLast((part) => part !== "") ?? name);
}

const declared = (name: string, details: NodeClaim["details"] = {}): NodeClaim => ({
  name,
  recorded: false,
  details,
});

/** The node of something that a run or dataset read: a dataset version, known bytes, or a place. */
function inputNode(input: string): NodeClaim {
  const known = parseName("datasetVersion", input) !== undefined || input.startsWith("artifacts/");
  return known ? declared(input) : declared(`artifacts/uri-${shortHash(input)}`, { uri: input });
}

/** How a run's input is named in facts and in the graph: a dataset version by its name, other bytes by their digest. */
export function inputName(input: FactData<"run.requested">["inputs"][number]): string {
  return (
    input.datasetVersion ?? (input.digest === undefined ? (input.uri ?? "") : artifactNode(input.digest))
  );
}

type Edge = Omit<EdgeClaim, "said">;

function ofModelVersion({ data }: FactOf<"model-version.created">, nodes: NodeClaim[], edges: Edge[]): void {
  const child = data.modelVersion;
  const { digest, uri } = data.artifact;
  const team = parseName("modelVersion", child)?.team ?? "";
  nodes.push({ name: child, recorded: true, details: { digest, uri } });
  nodes.push(declared(artifactNode(digest), { digest }));
  edges.push({ child: artifactNode(digest), parent: child, role: "contentOf" });
  let learner = child;
  if (data.trainingRun !== undefined) {
    learner = trainingRunNode(team, data.trainingRun);
    nodes.push(declared(learner));
    edges.push({ child, parent: learner, role: "trainedBy" });
  }
  for (const dataset of data.datasets) {
    nodes.push(inputNode(dataset));
    edges.push({ child: learner, parent: dataset, role: "trainedOn" });
  }
  if (data.commit !== undefined) {
    nodes.push(declared(commitNode(data.commit)));
    edges.push({ child: learner, parent: commitNode(data.commit), role: "builtFrom" });
  }
}

function ofRun({ subject, data }: FactOf<"run.requested">, nodes: NodeClaim[], edges: Edge[]): void {
  nodes.push({ name: subject, recorded: true, details: { outputUri: data.outputUri } });
  for (const input of data.inputs) {
    const name = inputName(input);
    const node = inputNode(name);
    nodes.push(input.uri === undefined ? node : { ...node, details: { ...node.details, uri: input.uri } });
    edges.push({ child: subject, parent: node.name, role: "consumed" });
  }
  if (data.commit !== undefined) {
    nodes.push(declared(commitNode(data.commit)));
    edges.push({ child: subject, parent: commitNode(data.commit), role: "builtFrom" });
  }
}

function ofDatasetVersion(
  { data }: FactOf<"dataset-version.created">,
  nodes: NodeClaim[],
  edges: Edge[],
): void {
  const child = data.datasetVersion;
  const { uri, digest, rows } = data;
  const details = { digest, uri, ...(rows === undefined ? {} : { rows }) };
  nodes.push({ name: child, recorded: true, details });
  nodes.push(declared(artifactNode(digest), { digest }));
  edges.push({ child: artifactNode(digest), parent: child, role: "contentOf" });
  const maker = data.run ?? child;
  if (data.run !== undefined) {
    nodes.push(declared(data.run));
    edges.push({ child, parent: data.run, role: "producedBy" });
  }
  for (const input of data.inputs) {
    const node = inputNode(input);
    nodes.push(node);
    edges.push({
      child: maker,
      parent: node.name,
      role: data.run === undefined ? "derivedFrom" : "consumed",
    });
  }
  if (data.commit !== undefined) {
    nodes.push(declared(commitNode(data.commit)));
    edges.push({ child: maker, parent: commitNode(data.commit), role: "builtFrom" });
  }
}

/** What this fact says about lineage; undefined when it says nothing. */
export function lineageClaims(fact: AnyFact): LineageClaims | undefined {
  const nodes: NodeClaim[] = [];
  const edges: Edge[] = [];
  if (fact.type === "model-version.created") ofModelVersion(fact, nodes, edges);
  else if (fact.type === "run.requested") ofRun(fact, nodes, edges);
  else if (fact.type === "dataset-version.created") ofDatasetVersion(fact, nodes, edges);
  else return undefined;
  const said = (index: number) => `${fact.time} ${fact.id} ${String(index).padStart(4, "0")}`;
  return { time: fact.time, nodes, edges: edges.map((edge, index) => ({ ...edge, said: said(index) })) };
}
