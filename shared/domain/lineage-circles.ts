// Circles in what people say about lineage: which of their edges are followed.
import { byNameAndRole, type Draft, type LineageEdge } from "./lineage-node.ts";

interface ClaimedEdge extends LineageEdge {
  readonly child: string;
}

/** Everything reachable from `start` by `next`, itself included. */
function closure(start: string, next: (name: string) => readonly string[]): Set<string> {
  const found = new Set([start]);
  for (const name of found) for (const other of next(name)) found.add(other);
  return found;
}

/** Whether `from` reaches `to` along accepted edges. */
function reaches(accepted: ReadonlyMap<string, readonly ClaimedEdge[]>, from: string, to: string): boolean {
  return closure(from, (name) => (accepted.get(name) ?? []).map((edge) => edge.name)).has(to);
}

// That bytes are the content of a version is inferred from their digest; what someone said about a run comes before it. So a
// run that gives back what it read keeps its input and its output, and only the inference is dropped.
const precedence = ({ role, said }: ClaimedEdge): string => `${role === "contentOf" ? 1 : 0} ${said}`;

/**
 * Settles the circle through `name`: among all nodes that lie both above and below it by anyone's word (its strongly
 * connected component), what was said is accepted before what is inferred, each from the earliest on, and refused where they would close a circle. No edge
 * outside the component can be part of a circle, so nothing else changes.
 */
export function settleCircle(draft: Draft, name: string): void {
  const claimed = (of: string): readonly LineageEdge[] => {
    const node = draft.get(of);
    return node === undefined ? [] : [...node.parents, ...node.refused];
  };
  const above = closure(name, (of) => claimed(of).map((edge) => edge.name));
  const below = closure(name, (of) => draft.get(of)?.children ?? []);
  const circle = new Set([...above].filter((of) => below.has(of)));
  const edges = [...circle].flatMap((child) =>
    claimed(child)
      .filter((edge) => circle.has(edge.name))
      .map((edge) => ({ ...edge, child })),
  );
  const accepted = new Map<string, ClaimedEdge[]>();
  const refused = new Map<string, ClaimedEdge[]>();
  for (const edge of edges.toSorted((one, other) => (precedence(one) < precedence(other) ? -1 : 1))) {
    const into = reaches(accepted, edge.name, edge.child) ? refused : accepted;
    into.set(edge.child, [...(into.get(edge.child) ?? []), edge]);
  }
  for (const child of circle) {
    const node = draft.get(child);
    if (node === undefined) continue;
    const outside = (list: readonly LineageEdge[]) => list.filter((edge) => !circle.has(edge.name));
    const inside = (list: readonly ClaimedEdge[] = []) =>
      list.map(({ name, role, said }) => ({ name, role, said }));
    draft.putStale({
      ...node,
      parents: [...outside(node.parents), ...inside(accepted.get(child))].toSorted(byNameAndRole),
      refused: [...outside(node.refused), ...inside(refused.get(child))].toSorted(byNameAndRole),
    });
  }
}
