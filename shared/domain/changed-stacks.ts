// Which stacks a change touches, and in which order they are planned and applied.
import type { ClosureFile } from "./closure.ts";

/** Changed paths that are named for one stack. */
export const CHANGED_PATHS_MAX = 50;

/** One stack before and after a change; a side where the stack is not there is undefined. */
export interface StackSides {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly base?: StackSide;
  readonly head?: StackSide;
}

/** What a stack is made of on one side. */
export interface StackSide {
  readonly files: readonly ClosureFile[];
  readonly configDigest: string;
}

/** A stack that a change touches, and why. */
export interface ChangedStack {
  readonly name: string;
  readonly reason: "new" | "removed" | "files" | "configuration" | "dependency";
  /** Paths that differ, at most CHANGED_PATHS_MAX. */
  readonly paths: readonly string[];
  /** The touched stacks that this one depends on, directly. */
  readonly after: readonly string[];
}

/** The touched stacks, dependencies before dependents; or why there is no such order. */
export type ChangedStacks =
  | { readonly kind: "changed"; readonly stacks: readonly ChangedStack[] }
  | { readonly kind: "refused"; readonly what: string; readonly remedy: string };

/** Paths whose content or mode differs between two closures. */
export function changedPaths(base: readonly ClosureFile[], head: readonly ClosureFile[]): readonly string[] {
  const before = new Map(base.map((file) => [file.path, `${file.mode} ${file.objectId}`]));
  const after = new Map(head.map((file) => [file.path, `${file.mode} ${file.objectId}`]));
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

/** Why the stack itself is touched; undefined when it is what it was. */
function ownReason(stack: StackSides): Pick<ChangedStack, "reason" | "paths"> | undefined {
  const { base, head } = stack;
  if (base === undefined && head === undefined) return undefined;
  if (base === undefined) return { reason: "new", paths: [] };
  if (head === undefined) return { reason: "removed", paths: [] };
  const paths = changedPaths(base.files, head.files).slice(0, CHANGED_PATHS_MAX);
  if (paths.length > 0) return { reason: "files", paths };
  return base.configDigest === head.configDigest ? undefined : { reason: "configuration", paths };
}

/** Names in dependency order, ties by name; or the names of a cycle, the first one repeated at the end. */
export function dependencyOrder(
  stacks: readonly { readonly name: string; readonly dependsOn: readonly string[] }[],
): { readonly order: readonly string[] } | { readonly cycle: readonly string[] } {
  const byName = new Map(stacks.map((stack) => [stack.name, stack]));
  const waiting = new Map(
    stacks.map(({ name, dependsOn }) => [name, new Set(dependsOn.filter((other) => byName.has(other)))]),
  );
  const order: string[] = [];
  while (waiting.size > 0) {
    const [ready] = [...waiting]
      .filter(([, needs]) => needs.size === 0)
      .map(([name]) => name)
      .sort();
    if (ready === undefined) return { cycle: cycleIn(waiting) };
    waiting.delete(ready);
    for (const needs of waiting.values()) needs.delete(ready);
    order.push(ready);
  }
  return { order };
}

/** Follows unmet needs until a name comes again. Every stack here has at least one unmet need. */
function cycleIn(waiting: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const path: string[] = [];
  let [name = ""] = [...waiting.keys()].sort();
  while (!path.includes(name)) {
    path.push(name);
    [name = ""] = [...(waiting.get(name) ?? [])].sort();
  }
  return [...path.slice(path.indexOf(name)), name];
}

/** The stacks that a change touches, with all that depend on them, dependencies first. */
export function changedStacks(stacks: readonly StackSides[]): ChangedStacks {
  const ordered = dependencyOrder(stacks);
  if ("cycle" in ordered) {
    const what = `The stacks depend on each other in a circle: ${ordered.cycle.join(" → ")}.`;
    return { kind: "refused", what, remedy: "Remove one of these from `dependsOn` in .signalbox.yaml." };
  }
  const byName = new Map(stacks.map((stack) => [stack.name, stack]));
  const touched = new Map<string, ChangedStack>();
  for (const name of ordered.order) {
    const stack = byName.get(name);
    if (stack === undefined) continue;
    const after = stack.dependsOn.filter((other) => touched.has(other)).sort();
    const own = ownReason(stack);
    if (own !== undefined) touched.set(name, { name, ...own, after });
    else if (after.length > 0) touched.set(name, { name, reason: "dependency", paths: [], after });
  }
  return { kind: "changed", stacks: [...touched.values()] };
}
