// One turn of the machine, and the small moves that instructions share. Everything here changes the turn's own copy.
import type { Instruction, Slot, StepInfo } from "../compile/program.ts";
import { frameOf } from "../expressions/evaluate.ts";
import type { Host } from "../library/library-function.ts";
import { MEMORY_BYTES_MAX, STEPS_MAX, STRING_BYTES_MAX } from "../limits.ts";
import { sizeInBytes, type Value } from "../values/value.ts";
import { checkString } from "../values/limits.ts";
import { limitError } from "../values/workflow-error.ts";
import type { JournalEntry } from "./journal.ts";
import type { EffectRequest } from "./request.ts";
import type { Frame, Machine, Thread } from "./state.ts";

/** Watches steps as they are entered, for traces; it must not change anything. */
export type Observer = (event: {
  readonly thread: string;
  readonly step: StepInfo;
  readonly depth: number;
}) => void;

/** A turn: a copy of the machine that is changed in place until it blocks or ends. */
export interface Run {
  readonly machine: Machine;
  readonly host: Host;
  readonly nowMs: number;
  readonly entries: JournalEntry[];
  readonly requests: EffectRequest[];
  readonly observer: Observer | undefined;
  /** The step at work, which is billed for what is counted. */
  step: number;
}

/** The frame at work in a thread. */
export function topFrame(thread: Thread): Frame {
  return thread.frames.at(-1) as Frame;
}

/** The instruction that a frame is at. */
export function instructionAt({ machine }: Run, frame: Frame): Instruction {
  return machine.program.routines[frame.routine]?.code[frame.pc] as Instruction;
}

/** The step that a frame is in. */
export function stepAt({ machine }: Pick<Run, "machine">, frame: Frame): StepInfo {
  const step = machine.program.routines[frame.routine]?.code[frame.pc]?.step as number;
  return machine.program.steps[step] as StepInfo;
}

/** Writes a variable and accounts for its memory. @throws {WorkflowError} fatal, when memory or a string is too large. */
export function writeSlot({ machine }: Run, frame: Frame, { hops, slot }: Slot, value: Value): void {
  const owner = frameOf(frame, hops);
  const size = sizeInBytes(value);
  const change = size - sizeInBytes(owner.vars[slot]);
  owner.vars[slot] = value;
  owner.bytes += change;
  machine.bytes += change;
  if (change <= 0) return;
  if (typeof value === "string" && size > STRING_BYTES_MAX) checkString(value);
  if (machine.bytes > MEMORY_BYTES_MAX)
    throw limitError("Memory usage limit exceeded", "MemoryLimitExceededError");
}

/** Forgets variables, at the start of an iteration or handler. */
export function clearSlots({ machine }: Run, frame: Frame, slots: readonly number[]): void {
  for (const slot of slots) {
    const size = sizeInBytes(frame.vars[slot]);
    frame.vars[slot] = undefined;
    frame.bytes -= size;
    machine.bytes -= size;
  }
}

/** Stores a result where the instruction wants it: a variable, or a hidden slot that memory does not count. */
export function storeResult(run: Run, frame: Frame, into: Slot | undefined, value: Value): void {
  if (into === undefined) return;
  if (into.name === "") frame.vars[into.slot] = value;
  else writeSlot(run, frame, into, value);
}

/** Counts billed steps. @throws {WorkflowError} fatal, past STEPS_MAX. */
export function countStep({ machine: { tally }, step }: Run): void {
  tally.internal++;
  tally.billed.set(step, (tally.billed.get(step) ?? 0) + 1);
  if (tally.internal + tally.external > STEPS_MAX)
    throw limitError("Maximum number of executed steps exceeded");
}

/** Moves one counted step from internal to external: a call that leaves Google's own hosts. */
export function countExternal({ machine: { tally }, step }: Run): void {
  tally.internal--;
  tally.external++;
  tally.outside.set(step, (tally.outside.get(step) ?? 0) + 1);
}

/** Records for coverage that a way through a step was taken. */
export function recordWay({ machine: { tally } }: Run, step: number, way: string): void {
  const key = `${step}:${way}`;
  tally.ways.set(key, (tally.ways.get(key) ?? 0) + 1);
}
