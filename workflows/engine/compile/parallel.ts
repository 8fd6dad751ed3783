// Parallel steps: each branch runs in a frame of its own that sees the frame around it.
import type { ActionTree } from "../parse/tree.ts";
import type { Block, Region } from "./blocks.ts";
import { emit, newLabel, place, within, type EmitSteps, type Emitter } from "./emitter.ts";
import { lower } from "./lower.ts";
import { declareLoop } from "./loops.ts";
import type { LoopCode } from "./program.ts";
import { declareAssigned, openScope, resolve, type Layout } from "./scopes.ts";

type ParallelTree = ActionTree & { kind: "parallel" };

function checkShared(emitter: Emitter, { shared }: ParallelTree): void {
  for (const { name, span } of shared) {
    const found = resolve(emitter.scope, name);
    if (found === undefined) {
      emitter.problems.error(
        span,
        "unknown-shared",
        `the shared variable ${JSON.stringify(name)} does not exist`,
        "assign it before the parallel step",
      );
    } else if (found.unshared) {
      emitter.problems.error(
        span,
        "unshared-write",
        `${JSON.stringify(name)} is not shared by the parallel step around this one`,
        "add it to shared: there too",
      );
    }
  }
}

/** Emits the step that starts the threads, then the code of each branch. */
export function emitParallel(emitter: Emitter, tree: ParallelTree, block: Block, emitSteps: EmitSteps): void {
  checkShared(emitter, tree);
  const shared = new Set(tree.shared.map(({ name }) => name));
  const limit = tree.limit === undefined ? undefined : lower(emitter, tree.limit);
  const collection = tree.loop === undefined ? undefined : lower(emitter, tree.loop.collection);
  const [start, end] = [newLabel(), newLabel()];
  const layout: Layout = { names: [] };
  const scope = openScope(emitter.scope, layout, shared);
  let loop: LoopCode | undefined;
  if (tree.loop !== undefined && collection !== undefined) {
    loop = { over: tree.loop.over, collection, ...declareLoop(emitter, scope, tree.loop) };
  }
  const branches = (tree.branches ?? []).map(({ name, steps }) => ({
    id: name.name,
    start: newLabel(),
    steps,
  }));
  emit(emitter, {
    op: "parallel",
    branches: branches.map(({ id, start }) => ({ id, start })),
    loop,
    start,
    limit,
    end,
  });
  if (tree.loop !== undefined) {
    const next = newLabel();
    const region: Region = { kind: "parallel-for", parent: block.region, next, scope, depth: 0 };
    const { steps } = tree.loop;
    place(emitter, start);
    declareAssigned(scope, steps);
    within(emitter, scope, () => emitSteps(emitter, steps, block, region, 0));
    place(emitter, next);
    emit(emitter, { op: "branch-end" });
  }
  for (const { start, steps } of branches) {
    const own = openScope(emitter.scope, { names: [] }, shared);
    place(emitter, start);
    declareAssigned(own, steps);
    within(emitter, own, () =>
      emitSteps(emitter, steps, block, { kind: "branch", parent: block.region, depth: 0 }, 0),
    );
    emit(emitter, { op: "branch-end" });
  }
  place(emitter, end);
}
