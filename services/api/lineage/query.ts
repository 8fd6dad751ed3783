// `:queryLineage`: where something comes from, what came out of it, and what trained the version that serves.
import { failedPrecondition, invalidArgument, notFound } from "../../../shared/domain/errors.ts";
import {
  chainText,
  LINEAGE_DEPTH_MAX,
  type LineageAnswerEdge,
  type LineageAnswerNode,
  lineageChains,
  type LineageQuestion,
  type LineageStep,
  selfAnswer,
  upstream,
} from "../../../shared/domain/lineage-answer.ts";
import type { LineageNode } from "../../../shared/domain/lineage-node.ts";
import { parseName } from "../../../shared/domain/names.ts";
import type { Views } from "../../../shared/ports/views.ts";

/** Nodes in one downstream answer; more are cut off and the answer says so. */
export const LINEAGE_NODES_MAX = 1_000;

/** What served at a time, with shares; `certain` false where the record has gaps. */
export type ResolveServing = (
  endpoint: string,
  at?: string,
) => Promise<{
  readonly at: string;
  readonly certain: boolean;
  readonly versions: readonly { readonly modelVersion: string; readonly percent: number }[];
}>;

/** What the question needs. */
export interface LineagePorts {
  readonly views: Pick<Views, "get">;
  readonly resolveServing: ResolveServing;
}

/** The lineage of one resource. */
export interface LineageAnswer {
  readonly name: string;
  readonly direction: LineageQuestion["direction"];
  readonly nodes: readonly LineageAnswerNode[];
  readonly edges: readonly LineageAnswerEdge[];
  /** Edges that were said and would close a circle: shown, never followed. */
  readonly refused: readonly LineageAnswerEdge[];
  readonly chains: readonly (readonly LineageStep[])[];
  /** The chains in one line each. */
  readonly text: readonly string[];
  readonly truncated: boolean;
}

/** The lineage of what an endpoint serves or served: one answer a version, with its share. */
export interface ServingLineageAnswer {
  readonly name: string;
  readonly at: string;
  readonly certain: boolean;
  readonly versions: readonly (LineageAnswer & { readonly percent: number })[];
}

const nodeOf = async (views: LineagePorts["views"], name: string): Promise<LineageNode | undefined> =>
  (await views.get("lineageNodes", name)) as LineageNode | undefined;

/** Breadth first along children; nodes come in the order of their depth. */
async function downstream(
  views: LineagePorts["views"],
  start: LineageNode,
  maxDepth: number,
): Promise<Pick<LineageAnswer, "nodes" | "edges" | "truncated">> {
  const seen = new Map<string, LineageAnswerNode>([[start.name, selfAnswer(start)]]);
  const edges: LineageAnswerEdge[] = [];
  let level = [start];
  let truncated = false;
  for (let depth = 1; depth <= maxDepth && level.length > 0 && !truncated; depth++) {
    const next: LineageNode[] = [];
    for (const parent of level) {
      const children = await Promise.all(parent.children.map((name) => nodeOf(views, name)));
      for (const child of children) {
        const roles = (child?.parents ?? [])
          .filter(({ name }) => name === parent.name)
          .map(({ role }) => role);
        const [role] = roles;
        if (child === undefined || role === undefined) continue;
        edges.push(...roles.map((each) => ({ child: child.name, parent: parent.name, role: each })));
        if (seen.has(child.name)) continue;
        truncated ||= seen.size > LINEAGE_NODES_MAX;
        if (truncated) break;
        seen.set(child.name, {
          ...selfAnswer(child),
          depth,
          roles: [...(seen.get(parent.name)?.roles ?? []), role],
        });
        next.push(child);
      }
    }
    level = next;
  }
  const nodes = [...seen.values()].slice(1);
  return { nodes, edges: edges.filter(({ child }) => seen.has(child)), truncated };
}

async function ofResource(
  ports: LineagePorts,
  name: string,
  question: LineageQuestion,
): Promise<LineageAnswer> {
  const node = await nodeOf(ports.views, name);
  if (node === undefined) {
    throw notFound(
      `Lineage of ${name}`,
      "Name a model version, dataset version, run or endpoint; what was recorded just now appears within a second.",
    );
  }
  const { direction, maxDepth } = question;
  const found =
    direction === "upstream"
      ? { ...upstream(node, maxDepth), truncated: node.ancestorsTruncated }
      : await downstream(ports.views, node, maxDepth);
  const chains = direction === "upstream" ? lineageChains(node) : [];
  return {
    name,
    direction,
    nodes: [selfAnswer(node), ...found.nodes],
    edges: found.edges,
    refused: node.refused.map((edge) => ({ child: name, parent: edge.name, role: edge.role })),
    chains,
    text: chains.map(chainText),
    truncated: found.truncated,
  };
}

/** A dataset's lineage is that of its latest version; the other names are nodes themselves. */
async function resourceName(ports: LineagePorts, name: string): Promise<string> {
  const collection = parseName("dataset", name) !== undefined ? "datasets" : "models";
  if (collection === "models" && parseName("model", name) === undefined) return name;
  const document = await ports.views.get(collection, name);
  if (document === undefined) throw notFound(name, "Nothing has registered a version of it.");
  return `${name}/versions/${String(document["latestVersion"])}`;
}

/**
 * Answers `{name}:queryLineage`. `at` (RFC 3339) is for endpoints only: what they served then. Throws INVALID_ARGUMENT for a
 * depth outside 1 to `LINEAGE_DEPTH_MAX`, NOT_FOUND for what no fact has mentioned.
 */
export async function queryLineage(
  ports: LineagePorts,
  request: {
    readonly name: string;
    readonly direction?: LineageQuestion["direction"];
    readonly maxDepth?: number;
    readonly at?: string;
  },
): Promise<LineageAnswer | ServingLineageAnswer> {
  const { name, direction = "upstream", maxDepth = LINEAGE_DEPTH_MAX, at } = request;
  if (!Number.isInteger(maxDepth) || maxDepth < 1 || maxDepth > LINEAGE_DEPTH_MAX) {
    throw invalidArgument("maxDepth", `maxDepth must be a whole number from 1 to ${LINEAGE_DEPTH_MAX}.`);
  }
  if (parseName("endpoint", name) === undefined) {
    if (at !== undefined)
      throw failedPrecondition(
        "AT_NEEDS_ENDPOINT",
        `at asks what served; ${name} is no endpoint. Leave at out.`,
      );
    return ofResource(ports, await resourceName(ports, name), { direction, maxDepth });
  }
  const serving = await ports.resolveServing(name, at);
  const versions = await Promise.all(
    serving.versions.map(async ({ modelVersion, percent }) => ({
      ...(await ofResource(ports, modelVersion, { direction, maxDepth })),
      percent,
    })),
  );
  return { name, at: serving.at, certain: serving.certain, versions };
}

/** The question over fixed ports, for the routes. */
export function createQueryLineage(ports: LineagePorts) {
  return (request: Parameters<typeof queryLineage>[1]): Promise<LineageAnswer | ServingLineageAnswer> =>
    queryLineage(ports, request);
}
