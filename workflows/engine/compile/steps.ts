// Steps into instructions: every step enters, acts and jumps.
import { CHOICES } from "../choices.ts";
import type { Span } from "../expressions/expression.ts";
import { findFunction } from "../library/library.ts";
import type { NameTree, StepTree } from "../parse/tree.ts";
import { findTarget, openBlock, type Block, type Region } from "./blocks.ts";
import { emitFor } from "./loops.ts";
import { emitParallel } from "./parallel.ts";
import { emitTry } from "./try.ts";
import { emit, enterStep, newLabel, place, type EmitSteps, type Emitter } from "./emitter.ts";
import {
  applyFunction,
  matchRoutine,
  nameArguments,
  reportUnknownFunction,
  reportUnknownVariable,
} from "./arguments.ts";
import { lower, lowerAll } from "./lower.ts";
import type { Code, Slot } from "./program.ts";
import { extentLeft, resolve } from "./scopes.ts";

/** Emits a list of steps as a block of its own. */
export const emitSteps: EmitSteps = (emitter, steps, parent, region, depth) => {
  const block = openBlock(emitter, steps, { parent, region, depth });
  for (const step of steps) emitStep(emitter, step, block);
};

function emitStep(emitter: Emitter, step: StepTree, block: Block): void {
  const label = step.anonymous ? undefined : block.labels.get(step.name);
  if (label !== undefined) place(emitter, label);
  const before = enterStep(emitter, step);
  emit(emitter, { op: "enter" });
  emitAction(emitter, step, block);
  if (step.next !== undefined) emitJump(emitter, step.next, block);
  emitter.step = before;
}

/** Emits a jump to a step, or out of a loop or routine. */
export function emitJump(emitter: Emitter, target: NameTree, block: Block): void {
  const { region } = block;
  if (target.name === "end") {
    if (checkReturn(emitter, "next: end", region, target.span))
      emit(emitter, { op: "return", value: { kind: "literal", value: null }, implicit: false });
    return;
  }
  if (target.name === "break" || target.name === "continue") {
    const refuseBreak =
      target.name === "break" && region.kind === "parallel-for" && CHOICES.breakInParallel === "error";
    const to = target.name === "break" ? region.exit : region.next;
    if (to === undefined || refuseBreak) {
      const message = refuseBreak
        ? "break cannot end a parallel for"
        : `${target.name} stands outside of a for`;
      emitter.problems.error(
        target.span,
        "misplaced-jump",
        message,
        refuseBreak ? "iterations run at the same time; use continue" : "jump to a step or use end",
      );
    } else {
      const scope = target.name === "break" ? region.scope?.parent : region.scope;
      const leaving = extentLeft(emitter.scope, scope);
      emit(emitter, { op: "jump", to, depth: region.depth, counted: true, leaving });
    }
    return;
  }
  const found = findTarget(block, target, emitter.stepNames, emitter.problems);
  if (found === undefined) return;
  const leaving = extentLeft(emitter.scope, found.scope);
  emit(emitter, { op: "jump", to: found.label, depth: found.depth, counted: true, leaving });
}

function checkReturn(emitter: Emitter, what: string, region: Region, span: Span): boolean {
  for (let at: Region | undefined = region; at !== undefined; at = at.parent) {
    if ((at.kind === "branch" || at.kind === "parallel-for") && CHOICES.returnInBranch === "error") {
      emitter.problems.error(
        span,
        "return-in-parallel",
        `${what} cannot stand inside a parallel step`,
        "set a shared variable and return after the parallel step",
      );
      return false;
    }
  }
  return true;
}

function emitAction(emitter: Emitter, step: StepTree, block: Block): void {
  const { action } = step;
  switch (action.kind) {
    case "none":
      return;
    case "assign":
      for (const { variable, path, value } of action.assignments) {
        const target = targetSlot(emitter, variable, path.length > 0);
        const codes = lowerAll(emitter, [...path, value], undefined);
        const code = codes.at(-1) as Code;
        const keys = codes.slice(0, -1);
        if (target !== undefined) emit(emitter, { op: "assign", target, path: keys, value: code });
      }
      return;
    case "call":
      return emitCall(emitter, action);
    case "switch":
      return emitSwitch(emitter, action.cases, block);
    case "for":
      return emitFor(emitter, action.loop, block, emitSteps);
    case "parallel":
      return emitParallel(emitter, action, block, emitSteps);
    case "try":
      return emitTry(emitter, action, block, emitSteps);
    case "raise":
      return emit(emitter, { op: "raise", value: lower(emitter, action.value) });
    case "return":
      if (checkReturn(emitter, "return", block.region, step.span)) {
        emit(emitter, { op: "return", value: lower(emitter, action.value), implicit: false });
      }
      return;
    case "steps":
      return emitSteps(emitter, action.steps, block, block.region, block.depth);
  }
}

/** The slot that an assignment writes; undefined with a problem when it may not. */
function targetSlot(emitter: Emitter, { name, span }: NameTree, partial: boolean): Slot | undefined {
  const found = resolve(emitter.scope, name);
  if (found === undefined) {
    reportUnknownVariable(emitter, name, span, partial ? `assign ${name}: {} before` : "assign it before");
    return undefined;
  }
  if (found.unshared) {
    emitter.problems.error(
      span,
      "unshared-write",
      `a parallel branch writes the outer variable ${JSON.stringify(name)}, which is not shared`,
      `add ${name} to shared:, or use another name inside the branch`,
    );
    return undefined;
  }
  return found.slot;
}

function emitCall(emitter: Emitter, call: StepTree["action"] & { kind: "call" }): void {
  const { callee, result } = call;
  const args = call.positional === undefined ? call.args : nameArguments(emitter, callee, call.positional);
  const values = lowerAll(
    emitter,
    args.map(([, value]) => value),
    undefined,
  );
  const named = args.map(([name], index) => [name, values[index] as Code] as const);
  const into = result === undefined ? undefined : targetSlot(emitter, result, false);
  const routine = emitter.routines.get(callee.name);
  if (routine !== undefined) {
    const matched = matchRoutine(emitter, routine.tree, named, callee.span);
    emit(emitter, { op: "call", routine: routine.index, args: matched, into, hidden: false });
    return;
  }
  const fn = findFunction(callee.name);
  if (fn === undefined) return reportUnknownFunction(emitter, callee);
  const before = emitter.code.length;
  const value = applyFunction(emitter, fn, named, callee.span);
  const last = emitter.code.at(-1);
  if (emitter.code.length > before && last?.op === "effect") {
    // The effect writes straight into the result instead of a hidden slot.
    emitter.code[emitter.code.length - 1] = { ...last, into, hidden: false };
    return;
  }
  if (into === undefined) emit(emitter, { op: "evaluate", value });
  else emit(emitter, { op: "assign", target: into, path: [], value });
}

function emitSwitch(
  emitter: Emitter,
  cases: (StepTree["action"] & { kind: "switch" })["cases"],
  block: Block,
): void {
  const end = newLabel();
  for (const [ordinal, { condition, body, next }] of cases.entries()) {
    const otherwise = newLabel();
    const code: Code = lower(emitter, condition);
    emit(emitter, { op: "unless", condition: code, to: otherwise, use: "switch", branch: ordinal });
    if (body !== undefined) {
      const before = enterStep(emitter, body);
      emit(emitter, { op: "enter" });
      emitAction(emitter, body, block);
      if (body.next !== undefined) emitJump(emitter, body.next, block);
      emitter.step = before;
    }
    if (next === undefined) {
      emit(emitter, { op: "jump", to: end, depth: block.depth, counted: false, leaving: undefined });
    } else emitJump(emitter, next, block);
    place(emitter, otherwise);
  }
  place(emitter, end);
}
