// Calls and returns of routines, and calls of functions that leave the machine as requests.
import type { Program, Routine } from "../compile/program.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { CALL_DEPTH_MAX } from "../limits.ts";
import type { Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { beginEffect } from "./effects.ts";
import type { Handler } from "./instructions.ts";
import { issue } from "./issue.ts";
import { countStep, storeResult, writeSlot, type Run } from "./run.ts";
import type { Frame, Thread } from "./state.ts";

/** A frame at the start of a routine, with nothing assigned. */
export function newFrame(routine: number, pc: number, outer: Frame | undefined): Frame {
  return { routine, pc, vars: [], outer, tries: [], into: undefined, bytes: 0 };
}

/** The routine of an index. */
export function routineAt({ routines }: Program, index: number): Routine {
  return routines[index] as Routine;
}

export const call: Handler<"call"> = (run, thread, frame, { routine, args, into, hidden }) => {
  const values = args.map((arg) => (arg === undefined ? undefined : evaluate(arg, frame, run.host)));
  if (hidden) countStep(run);
  if (thread.baseDepth + thread.frames.length >= CALL_DEPTH_MAX) {
    throw runtimeError("RecursionError", `more than ${CALL_DEPTH_MAX} calls deep`);
  }
  const { params } = routineAt(run.machine.program, routine);
  const callee = newFrame(routine, 0, undefined);
  callee.into = into;
  thread.frames.push(callee);
  for (const [slot, { name, default: fallback }] of params.entries()) {
    writeSlot(run, callee, { hops: 0, slot, name }, values[slot] ?? fallback ?? null);
  }
};

/** Gives a result to the caller's frame and moves it on. */
export function returnTo(run: Run, thread: Thread, value: Value): void {
  const callee = thread.frames.pop() as Frame;
  run.machine.bytes -= callee.bytes;
  const caller = thread.frames.at(-1) as Frame;
  storeResult(run, caller, callee.into, value);
  caller.pc++;
}

export const callEffect: Handler<"effect"> = (run, thread, frame, { fn, args, into, hidden }) => {
  const named = new Map<string, Value>();
  for (const [name, code] of args) named.set(name, evaluate(code, frame, run.host));
  if (hidden) countStep(run);
  const begun = beginEffect(run, thread, fn.name, named);
  if ("value" in begun) {
    storeResult(run, frame, into, begun.value);
    frame.pc++;
    return;
  }
  issue(run, thread, begun.request, begun.after, into);
};
