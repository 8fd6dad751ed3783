// What each instruction does, apart from calls, parallel steps and errors, which have files of their own.
import type { Instruction, LoopCode } from "../compile/program.ts";
import { CHOICES } from "../choices.ts";
import { evaluate, frameOf, setPath } from "../expressions/evaluate.ts";
import { compareNumbers } from "../expressions/operators.ts";
import { isList, typeWord, type Value } from "../values/value.ts";
import { runtimeError, WorkflowError } from "../values/workflow-error.ts";
import { clearSlots, countStep, recordWay, writeSlot, type Run } from "./run.ts";
import { payloadOf } from "./raise.ts";
import type { Frame, Thread } from "./state.ts";

/** The instruction of an operation. */
export type Op<Name extends Instruction["op"]> = Extract<Instruction, { op: Name }>;

/** Carries out an instruction; it moves the program counter itself. */
export type Handler<Name extends Instruction["op"]> = (
  run: Run,
  thread: Thread,
  frame: Frame,
  instruction: Op<Name>,
) => void;

/** Kinds of steps that count by themselves; a jump, an iteration and the like count where they happen. */
const COUNTED = new Set(["assign", "call", "switch", "for", "try", "raise", "return"]);

/** A raise by the user, told apart because its context reads differently. */
export class UserRaise extends WorkflowError {}

export const enter: Handler<"enter"> = (run, thread, frame, { step }) => {
  const { machine } = run;
  const info = machine.program.steps[step];
  machine.tally.visits.set(step, (machine.tally.visits.get(step) ?? 0) + 1);
  if (info !== undefined) {
    run.observer?.({ thread: thread.id, step: info, depth: thread.frames.length });
    if (info.kind === "assign") machine.tally.assignments++;
    if (COUNTED.has(info.kind)) countStep(run);
  }
  frame.pc++;
};

export const count: Handler<"count"> = (run, _, frame) => {
  countStep(run);
  frame.pc++;
};

export const assign: Handler<"assign"> = (run, _, frame, { target, path, value }) => {
  if (path.length === 0) writeSlot(run, frame, target, evaluate(value, frame, run.host));
  else {
    const keys = path.map((key) => evaluate(key, frame, run.host));
    const item = evaluate(value, frame, run.host);
    writeSlot(run, frame, target, setPath(frameOf(frame, target.hops).vars[target.slot], keys, item));
  }
  frame.pc++;
};

export const hold: Handler<"hold"> = (run, _, frame, { slot, value }) => {
  frame.vars[slot] = evaluate(value, frame, run.host);
  frame.pc++;
};

export const evaluateOnly: Handler<"evaluate"> = (run, _, frame, { value }) => {
  evaluate(value, frame, run.host);
  frame.pc++;
};

export const jump: Handler<"jump"> = (run, _, frame, { to, depth, counted, leaving }) => {
  if (counted) countStep(run);
  if (leaving !== undefined) clearSlots(run, frame, leaving.slots);
  frame.tries.length = depth;
  frame.pc = to.pc;
};

export const unless: Handler<"unless"> = (run, _, frame, { condition, to, use, branch, step }) => {
  const value = evaluate(condition, frame, run.host);
  if (typeof value !== "boolean" && (use !== "switch" || CHOICES.nonBooleanCondition === "TypeError")) {
    const what = use === "switch" ? "a condition" : `the operand of ${use}`;
    throw runtimeError("TypeError", `${what} must be a bool; got: ${typeWord(value)}`);
  }
  if (branch >= 0) recordWay(run, step, `${branch}:${value === true ? "taken" : "passed"}`);
  frame.pc = value === true ? frame.pc + 1 : to.pc;
};

/** The bounds of a range: two numbers. @throws {WorkflowError} TypeError or ValueError. */
export function rangeOf(value: Value): [bigint | number, bigint | number] {
  if (!isList(value))
    throw runtimeError("TypeError", `range must be an array of two numbers; got: ${typeWord(value)}`);
  if (value.length !== 2)
    throw runtimeError("ValueError", `range must have two numbers, not ${value.length}`);
  for (const bound of value) {
    if (typeof bound !== "bigint" && typeof bound !== "number")
      throw runtimeError("TypeError", `range needs numbers; got: ${typeWord(bound)}`);
  }
  return value as unknown as [bigint | number, bigint | number];
}

/** The list that a for goes over. @throws {WorkflowError} TypeError. */
export function listOf(value: Value): readonly Value[] {
  if (isList(value)) return value;
  throw runtimeError("TypeError", `for needs an array; got: ${typeWord(value)}`);
}

/** The value of a range at an index: counted from its first value, so that doubles do not add up errors. */
export function valueAt(first: bigint | number, index: bigint): bigint | number {
  return typeof first === "bigint" ? first + index : first + Number(index);
}

// Slots of a loop: state holds the list, or the last value of a range; state + 1 the next index; state + 2 the first value.
export const forStart: Handler<"for-start"> = (run, _, frame, { state, loop }) => {
  const collection = evaluate(loop.collection, frame, run.host);
  if (loop.over === "in") frame.vars[state] = listOf(collection);
  else [frame.vars[state + 2], frame.vars[state]] = rangeOf(collection);
  frame.vars[state + 1] = 0n;
  frame.pc++;
};

export const forNext: Handler<"for-next"> = (run, _, frame, { state, loop, locals, exit }) => {
  const index = frame.vars[state + 1] as bigint;
  const value = nextValue(frame, state, loop);
  if (value === undefined) {
    clearSlots(run, frame, [
      ...locals,
      loop.value.slot,
      ...(loop.index === undefined ? [] : [loop.index.slot]),
    ]);
    frame.vars[state] = undefined;
    frame.pc = exit.pc;
    return;
  }
  countStep(run);
  clearSlots(run, frame, locals);
  frame.vars[state + 1] = index + 1n;
  writeSlot(run, frame, loop.value, value);
  if (loop.index !== undefined) writeSlot(run, frame, loop.index, index);
  frame.pc++;
};

function nextValue({ vars }: Frame, state: number, { over }: LoopCode): Value | undefined {
  const index = vars[state + 1] as bigint;
  if (over === "in") return (vars[state] as readonly Value[])[Number(index)];
  const value = valueAt(vars[state + 2] as bigint | number, index);
  return compareNumbers(value, vars[state] as bigint | number) > 0 ? undefined : value;
}

export const openTry: Handler<"try"> = (_, __, frame, { handler }) => {
  frame.tries.push({ kind: "try", handler: handler.pc, attempts: 0 });
  frame.pc++;
};

export const endTry: Handler<"try-end"> = (_, __, frame, { to }) => {
  frame.tries.pop();
  frame.pc = to.pc;
};

export const caught: Handler<"caught"> = (run, _, frame, { leaving }) => {
  clearSlots(run, frame, leaving.slots);
  frame.pc++;
};

export const except: Handler<"except"> = (run, _, frame, { into, locals, step }) => {
  const entry = frame.tries.at(-1);
  countStep(run);
  recordWay(run, step, "except");
  clearSlots(run, frame, locals);
  if (into !== undefined && entry?.kind === "handling") writeSlot(run, frame, into, entry.raised.value);
  frame.pc++;
};

export const raise: Handler<"raise"> = (run, _, frame, { value }) => {
  const raised = evaluate(value, frame, run.host);
  throw new UserRaise(raised, payloadOf(raised));
};
