// The lineage graph, grown one fact at a time. Every node carries its whole ancestry, so that "what trained this" is one read.
//
// The result depends on the set of facts, not on their order: an edge keeps the earliest time at which it was said, and where
// edges would close a circle they are accepted in an order of their own and the one that closes it is refused (shown, never followed).
import canonicalize from "canonicalize";
import { settleCircle } from "./lineage-circles.ts";
import {
  type EdgeClaim,
  type LineageClaims,
  lineageLabel,
  lineageType,
  type NodeClaim,
} from "./lineage-claims.ts";
import {
  type Ancestor,
  byNameAndRole,
  type Draft,
  draftOf,
  type Growth,
  type KnownNodes,
  LINEAGE_ANCESTORS_MAX,
  LINEAGE_ROLE_PATH_MAX,
  type LineageEdge,
  type LineageNode,
} from "./lineage-node.ts";

const isSame = (one: unknown, other: unknown): boolean => canonicalize(one) === canonicalize(other);

/** Of two mentions that disagree the smaller text wins, whichever came first; what was recorded overrules mentions. */
function mergedDetails(node: LineageNode, claim: NodeClaim): NodeClaim["details"] {
  if (claim.recorded) return claim.details;
  if (node.recorded) return node.details;
  const details: Record<string, string | number> = { ...node.details };
  for (const [key, value] of Object.entries(claim.details)) {
    const existing = details[key];
    if (existing === undefined || String(value) < String(existing)) details[key] = value;
  }
  return details;
}

function mention(draft: Draft, claim: NodeClaim, time: string): void {
  const { name, recorded } = claim;
  const node = draft.get(name);
  if (node === undefined) {
    draft.putStale({
      name,
      type: lineageType(name),
      label: lineageLabel(name),
      recorded,
      details: claim.details,
      createTime: time,
      ...(recorded ? { recordTime: time } : {}),
      updateTime: time,
      parents: [],
      refused: [],
      children: [],
      ancestors: {},
      ancestorsTruncated: false,
    });
    return;
  }
  const details = mergedDetails(node, claim);
  const createTime = time < node.createTime ? time : node.createTime;
  const isNews =
    (recorded && !node.recorded) || createTime !== node.createTime || !isSame(details, node.details);
  if (!isNews) return;
  draft.putStale({
    ...node,
    recorded: node.recorded || recorded,
    ...(recorded ? { recordTime: time } : {}),
    details,
    createTime,
  });
}

/** Adds or backdates one edge; where it closes a circle, settles which edges of the circle are followed. */
function connect(draft: Draft, { child, parent, role, said }: EdgeClaim): void {
  const node = draft.get(child);
  const above = draft.get(parent);
  if (node === undefined || above === undefined) return;
  const isThis = (edge: LineageEdge) => edge.name === parent && edge.role === role;
  const existing = node.parents.find(isThis) ?? node.refused.find(isThis);
  if (existing !== undefined && existing.said <= said) return;
  const others = (edges: readonly LineageEdge[]) => edges.filter((edge) => !isThis(edge));
  const wasRefused = node.refused.some(isThis);
  // A truncated ancestry cannot exclude a circle.
  const closes = child === parent || child in above.ancestors || above.ancestorsTruncated;
  if (!above.children.includes(child))
    draft.put({ ...above, children: [...above.children, child].toSorted() });
  const fresh = draft.get(child) ?? node;
  const edge = { name: parent, role, said };
  draft.putStale({
    ...fresh,
    parents: [...others(fresh.parents), edge].toSorted(byNameAndRole),
    refused: others(fresh.refused),
  });
  if (closes || wasRefused) settleCircle(draft, child);
}

/** All that lies below these nodes, themselves included. */
function withDescendants(draft: Draft, names: Iterable<string>): Set<string> {
  const found = new Set<string>(names);
  for (const name of found) for (const child of draft.get(name)?.children ?? []) found.add(child);
  return found;
}

const timeOf = (said: string): string => said.slice(0, said.indexOf(" "));

const isNearer = (one: Ancestor, other: Ancestor): boolean =>
  one.depth < other.depth || (one.depth === other.depth && one.roles.join() < other.roles.join());

/** The ancestry of a node from its parents' ancestries, which must be right already. */
function withAncestry(draft: Draft, node: LineageNode): LineageNode {
  const found = new Map<string, Ancestor>();
  let updateTime = node.recordTime ?? node.createTime;
  let truncated = false;
  const offer = (name: string, ancestor: Ancestor) => {
    const known = found.get(name);
    if (known === undefined || isNearer(ancestor, known)) found.set(name, ancestor);
  };
  for (const { name, role, said } of node.parents) {
    const parent = draft.get(name);
    if (parent === undefined) continue;
    if (timeOf(said) > updateTime) updateTime = timeOf(said);
    if (parent.updateTime > updateTime) updateTime = parent.updateTime;
    truncated ||= parent.ancestorsTruncated;
    const { type, label, recorded, details, parents } = parent;
    const edges = parents.map((edge) => ({ name: edge.name, role: edge.role }));
    offer(name, { type, label, recorded, details, depth: 1, roles: [role], parents: edges });
    for (const [above, ancestor] of Object.entries(parent.ancestors)) {
      const roles = [role, ...ancestor.roles].slice(0, LINEAGE_ROLE_PATH_MAX);
      offer(above, { ...ancestor, depth: ancestor.depth + 1, roles });
    }
  }
  const nearest = [...found].toSorted(([a, one], [b, other]) => one.depth - other.depth || (a < b ? -1 : 1));
  const kept = nearest.slice(0, LINEAGE_ANCESTORS_MAX);
  return {
    ...node,
    updateTime,
    ancestors: Object.fromEntries(kept),
    ancestorsTruncated: truncated || kept.length < nearest.length,
  };
}

/** Recomputes the ancestry of everything at or below what is stale, parents first. */
function propagate(draft: Draft): void {
  const affected = withDescendants(draft, draft.stale);
  draft.stale.clear();
  const entered = new Set<string>();
  const done = new Set<string>();
  const order = [...affected];
  for (let name = order.at(-1); name !== undefined; name = order.at(-1)) {
    const node = done.has(name) ? undefined : draft.get(name);
    const parents = entered.has(name) ? [] : (node?.parents ?? []);
    entered.add(name);
    const first = parents.filter((edge) => affected.has(edge.name) && !done.has(edge.name));
    if (first.length > 0) {
      order.push(...first.map((edge) => edge.name));
      continue;
    }
    order.pop();
    done.add(name);
    if (node === undefined) continue;
    const next = withAncestry(draft, node);
    if (!isSame(next, node)) draft.put(next);
  }
}

/**
 * Grows the graph by what one fact says. Applying the same claims again changes nothing. Answers `needs` until `known` holds
 * every node that the growth depends on; then the nodes that changed, each whole.
 */
export function grow(known: KnownNodes, claims: LineageClaims): Growth {
  const draft = draftOf(known);
  const unknown = () => [...draft.needs].filter((name) => !known.has(name));
  for (const { child, parent } of claims.edges) [child, parent].forEach((name) => draft.get(name));
  for (const claim of claims.nodes) mention(draft, claim, claims.time);
  for (const edge of claims.edges) {
    if (unknown().length > 0) break;
    connect(draft, edge);
    // A circle is settled only with all of it in sight, and a later edge of the same fact must see the ancestry made here.
    if (unknown().length === 0) propagate(draft);
  }
  if (unknown().length === 0) propagate(draft);
  const names = unknown();
  return names.length > 0 ? { kind: "needs", names } : { kind: "grown", nodes: [...draft.changed.values()] };
}
