// One node of the lineage graph as stored, and a copy on write over those that are known.
import type { LineageRole, LineageType, NodeClaim } from "./lineage-claims.ts";

/** Ancestors kept in one node, the nearest ones; more are left out and the node says so. */
export const LINEAGE_ANCESTORS_MAX = 500;
/** Roles kept of the way to an ancestor, from the node on; the depth tells how long the whole way is. */
export const LINEAGE_ROLE_PATH_MAX = 8;

/** An edge as its child keeps it. */
export interface LineageEdge {
  readonly name: string;
  readonly role: LineageRole;
  /** When it was first said. */
  readonly said: string;
}

/** What a node knows of one ancestor. */
export interface Ancestor {
  readonly type: LineageType;
  readonly label: string;
  readonly recorded: boolean;
  readonly details: NodeClaim["details"];
  /** Edges on the shortest way. */
  readonly depth: number;
  /** Roles on the shortest way, nearest first, at most `LINEAGE_ROLE_PATH_MAX`. */
  readonly roles: readonly LineageRole[];
  readonly parents: readonly { readonly name: string; readonly role: LineageRole }[];
}

/** One node as stored. */
export interface LineageNode {
  readonly name: string;
  readonly type: LineageType;
  readonly label: string;
  readonly recorded: boolean;
  readonly details: NodeClaim["details"];
  /** Time of the first fact that spoke of it. */
  readonly createTime: string;
  /** Time at which it was made, as far as we saw it. */
  readonly recordTime?: string;
  /** Latest time at which it, its edges or its ancestors became what they are. */
  readonly updateTime: string;
  readonly parents: readonly LineageEdge[];
  /** Edges that would close a circle. */
  readonly refused: readonly LineageEdge[];
  /** Names of all that name it as a parent, refused edges included. */
  readonly children: readonly string[];
  readonly ancestors: Readonly<Record<string, Ancestor>>;
  readonly ancestorsTruncated: boolean;
}

/** What is known of some names: a node, or null for "no such node". Names that are not in the map were not looked up. */
export type KnownNodes = ReadonlyMap<string, LineageNode | null>;

/** The nodes that changed; or the names that must be looked up first. */
export type Growth =
  | { readonly kind: "grown"; readonly nodes: readonly LineageNode[] }
  | { readonly kind: "needs"; readonly names: readonly string[] };

/** A copy on write over what is known. */
export interface Draft {
  /** The node, or undefined when there is none or it was not looked up; the latter is collected in `needs`. */
  get(name: string): LineageNode | undefined;
  put(node: LineageNode): void;
  /** As `put`, and marks that the ancestry of the node and of all below it must be computed again. */
  putStale(node: LineageNode): void;
  readonly changed: ReadonlyMap<string, LineageNode>;
  readonly stale: Set<string>;
  readonly needs: ReadonlySet<string>;
}

/** Starts a draft over what is known. */
export function draftOf(known: KnownNodes): Draft {
  const changed = new Map<string, LineageNode>();
  const stale = new Set<string>();
  const needs = new Set<string>();
  return {
    get: (name) => {
      const node = changed.get(name) ?? known.get(name);
      if (node === undefined) needs.add(name);
      return node ?? undefined;
    },
    put: (node) => void changed.set(node.name, node),
    putStale: (node) => {
      changed.set(node.name, node);
      stale.add(node.name);
    },
    changed,
    stale,
    needs,
  };
}

/** The order in which a node keeps its edges. */
export const byNameAndRole = (one: LineageEdge, other: LineageEdge): number =>
  one.name < other.name || (one.name === other.name && one.role < other.role) ? -1 : 1;
