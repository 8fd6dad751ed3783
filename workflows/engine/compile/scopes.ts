// Static scopes: which slot a name means, decided before anything runs.
// A name assigned in a block belongs to the nearest enclosing scope that knows it anywhere in its text, else to the block's own.
import type { StepTree } from "../parse/tree.ts";
import type { Slot } from "./program.ts";

/** The slots of one kind of frame: a routine's, or a parallel branch's. */
export interface Layout {
  readonly names: string[];
}

/** The variables of a scope and of the scopes inside it: what is forgotten when it is left. Known once the scope is closed. */
export interface Extent {
  slots: readonly number[];
}

/** A scope; `layout` changes where a parallel branch begins. */
export interface Scope {
  readonly parent: Scope | undefined;
  readonly layout: Layout;
  readonly names: Map<string, number>;
  /** For the scope of a parallel branch: the outer names that it may write. */
  readonly shared: ReadonlySet<string> | undefined;
  /** The first slot that may belong to it. */
  readonly first: number;
  readonly extent: Extent;
}

/** A new scope inside another, or the outermost of a routine. */
export function openScope(parent: Scope | undefined, layout: Layout, shared?: ReadonlySet<string>): Scope {
  const first = layout.names.length;
  return { parent, layout, names: new Map(), shared, first, extent: { slots: [] } };
}

/** Ends a scope: what has slots since it was opened is its extent. */
export function closeScope({ layout, first, extent }: Scope): void {
  extent.slots = namedSlots(layout, first);
}

/** The slots with names from `first` on; hidden ones are no variables. */
export function namedSlots({ names }: Layout, first: number): number[] {
  return names.flatMap((name, slot) => (slot >= first && name !== "" ? [slot] : []));
}

/** What a jump from one scope to another around it leaves: the extent of the outermost scope in between. */
export function extentLeft(from: Scope, to: Scope | undefined): Extent | undefined {
  let left: Scope | undefined;
  for (let at: Scope | undefined = from; at !== undefined && at !== to; at = at.parent) left = at;
  return left?.extent;
}

/** A new slot; the name is for traces ("" for a hidden one). */
export function newSlot(layout: Layout, name: string): number {
  layout.names.push(name);
  return layout.names.length - 1;
}

/** Declares a name in a scope and answers its slot. */
export function declare(scope: Scope, name: string): number {
  const known = scope.names.get(name);
  if (known !== undefined) return known;
  const slot = newSlot(scope.layout, name);
  scope.names.set(name, slot);
  return slot;
}

/** What a name means here: its slot, and whether a parallel branch that does not share it lies between. */
export interface Resolution {
  readonly slot: Slot;
  readonly unshared: boolean;
}

/** Finds a name from the inside out. */
export function resolve(scope: Scope, name: string): Resolution | undefined {
  let hops = 0;
  let unshared = false;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const slot = at.names.get(name);
    if (slot !== undefined) return { slot: { hops, slot, name }, unshared };
    if (at.shared !== undefined && !at.shared.has(name)) unshared = true;
    if (at.parent !== undefined && at.parent.layout !== at.layout) hops++;
  }
  return undefined;
}

/** Declares every name that the steps assign themselves and that no enclosing scope knows; answers the new slots. */
export function declareAssigned(scope: Scope, steps: readonly StepTree[]): number[] {
  const slots: number[] = [];
  for (const name of assignedNames(steps))
    if (resolve(scope, name) === undefined) slots.push(declare(scope, name));
  return slots;
}

/** Names that steps assign in their own scope: not inside for, except or parallel, which have scopes of their own. */
function* assignedNames(steps: readonly StepTree[]): Generator<string> {
  for (const { action } of steps) {
    switch (action.kind) {
      case "assign":
        for (const { variable, path } of action.assignments) if (path.length === 0) yield variable.name;
        break;
      case "call":
        if (action.result !== undefined) yield action.result.name;
        break;
      case "switch":
        for (const { body } of action.cases) if (body !== undefined) yield* assignedNames([body]);
        break;
      case "try":
      case "steps":
        yield* assignedNames(action.steps);
        break;
      default:
        break;
    }
  }
}
