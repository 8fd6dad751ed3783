// The state of emitting one routine, and the small moves that every part of the compiler makes.
import type { ProblemList } from "../parse/problem.ts";
import type { RoutineTree, StepTree } from "../parse/tree.ts";
import type { Block, Region, StepNames } from "./blocks.ts";
import type { Instruction, Label, StepInfo } from "./program.ts";
import { closeScope, newSlot, resolve, type Scope } from "./scopes.ts";

/** Everything known while a routine is compiled. */
export interface Emitter {
  readonly problems: ProblemList;
  readonly routines: ReadonlyMap<string, { readonly index: number; readonly tree: RoutineTree }>;
  readonly steps: StepInfo[];
  readonly code: Instruction[];
  readonly routine: string;
  readonly stepNames: StepNames;
  scope: Scope;
  step: number;
}

/** How the emitters of blocks emit the steps inside; handed in, because steps hold blocks and blocks hold steps. */
export type EmitSteps = (
  emitter: Emitter,
  steps: readonly StepTree[],
  parent: Block | undefined,
  region: Region,
  depth: number,
) => void;

type WithoutStep<T> = T extends unknown ? Omit<T, "step"> : never;

/** Appends an instruction that belongs to the current step. */
export function emit(emitter: Emitter, instruction: WithoutStep<Instruction>): void {
  emitter.code.push({ ...instruction, step: emitter.step });
}

/** Puts a label here. */
export function place(emitter: Emitter, label: Label): void {
  label.pc = emitter.code.length;
}

/** A label to be placed later. */
export function newLabel(): Label {
  return { pc: -1 };
}

/** Registers a step and makes it the current one; answers the step that was current. */
export function enterStep(emitter: Emitter, { name, span, anonymous, action }: StepTree): number {
  const before = emitter.step;
  emitter.step =
    emitter.steps.push({ name, span, anonymous, routine: emitter.routine, kind: action.kind }) - 1;
  return before;
}

/** A hidden slot of the current frame. */
export function hiddenSlot(emitter: Emitter): number {
  return newSlot(emitter.scope.layout, "");
}

/** Runs a part of the compiler inside another scope, and closes it. */
export function within<T>(emitter: Emitter, scope: Scope, run: () => T): T {
  const before = emitter.scope;
  emitter.scope = scope;
  const result = run();
  closeScope(scope);
  emitter.scope = before;
  return result;
}

/** The names that a scope can see, for hints. */
export function visibleNames(scope: Scope): string[] {
  const names: string[] = [];
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) names.push(...at.names.keys());
  return names;
}

/** Whether a name is visible. */
export function isVisible(scope: Scope, name: string): boolean {
  return resolve(scope, name) !== undefined;
}
