// Sequential loops. Their state lives in hidden slots, so leaving one needs nothing.
import type { LoopTree } from "../parse/tree.ts";
import type { Block, Region } from "./blocks.ts";
import { emit, newLabel, place, within, type EmitSteps, type Emitter } from "./emitter.ts";
import { lower } from "./lower.ts";
import type { LoopCode } from "./program.ts";
import { declare, declareAssigned, newSlot, openScope, resolve, type Scope } from "./scopes.ts";

/** Hidden slots of a loop, from the first: the collection or last value, the next index, the next value of a range. */
const LOOP_SLOTS = 3;

/** The slots of the loop variables, declared in the loop's own scope; a name that is known outside is a problem. */
export function declareLoop(
  emitter: Emitter,
  scope: Scope,
  loop: LoopTree,
): Pick<LoopCode, "value" | "index"> {
  for (const { name, span } of [loop.value, loop.index].filter((name) => name !== undefined)) {
    const outer = scope.parent === undefined ? undefined : resolve(scope.parent, name);
    if (outer !== undefined || scope.names.has(name)) {
      emitter.problems.error(
        span,
        "loop-variable",
        `the loop variable ${JSON.stringify(name)} is already a variable here`,
        "choose a name of its own for each loop",
      );
    }
    declare(scope, name);
  }
  const slotOf = (name: string): LoopCode["value"] => ({
    hops: 0,
    slot: scope.names.get(name) as number,
    name,
  });
  return {
    value: slotOf(loop.value.name),
    index: loop.index === undefined ? undefined : slotOf(loop.index.name),
  };
}

/** Emits a for: start, next, body, back to next. */
export function emitFor(emitter: Emitter, loop: LoopTree, block: Block, emitSteps: EmitSteps): void {
  const collection = lower(emitter, loop.collection);
  const scope = openScope(emitter.scope, emitter.scope.layout);
  const state = newSlot(scope.layout, "");
  for (let extra = 1; extra < LOOP_SLOTS; extra++) newSlot(scope.layout, "");
  const code: LoopCode = { over: loop.over, collection, ...declareLoop(emitter, scope, loop) };
  const locals = declareAssigned(scope, loop.steps);
  const [next, exit] = [newLabel(), newLabel()];
  const region: Region = { kind: "for", parent: block.region, next, exit, scope, depth: block.depth };
  emit(emitter, { op: "for-start", state, loop: code });
  place(emitter, next);
  emit(emitter, { op: "for-next", state, loop: code, locals, exit });
  within(emitter, scope, () => emitSteps(emitter, loop.steps, block, region, block.depth));
  emit(emitter, { op: "jump", to: next, depth: block.depth, counted: false, leaving: undefined });
  place(emitter, exit);
}
