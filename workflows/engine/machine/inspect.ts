// Looking into a machine: where it stands and what its variables hold.
import type { Program, StepInfo } from "../compile/program.ts";
import type { Value } from "../values/value.ts";
import type { JournalEntry } from "./journal.ts";
import { resume } from "./resume.ts";
import { stepAt, topFrame } from "./run.ts";
import type { Machine } from "./state.ts";

/** Where each thread stands, the main one first: the innermost step. */
export function currentSteps(
  machine: Machine,
): { routine: string; step: string; line: number; thread: string }[] {
  return machine.threads.flatMap((thread) => {
    if (thread.frames.length === 0) return [];
    const { routine, name, span } = stepAt({ machine }, topFrame(thread));
    return [{ routine, step: name, line: span.line, thread: thread.id }];
  });
}

/** The variables of the main thread's innermost routine, by name. */
export function variablesOf(machine: Machine): Map<string, Value> {
  const variables = new Map<string, Value>();
  const frame = machine.threads[0]?.frames.at(-1);
  const names = frame === undefined ? [] : (machine.program.routines[frame.routine]?.slotNames ?? []);
  for (const [slot, name] of names.entries()) {
    const value = frame?.vars[slot];
    if (name !== "" && value !== undefined) variables.set(name, value);
  }
  return variables;
}

/** Callback endpoints that can still be called: their ids, methods and URLs. */
export function activeCallbacks(
  machine: Machine,
): { id: string; method: string; url: string; waiting: boolean }[] {
  if (machine.outcome !== undefined) return [];
  const awaited = new Set(
    machine.threads.flatMap(({ pending }) =>
      pending?.request.kind === "callback" ? [pending.request.callback] : [],
    ),
  );
  return machine.callbacks.map(({ id, method, url }) => ({ id, method, url, waiting: awaited.has(id) }));
}

/** A step that an execution entered, in the words of the step entries API. */
export interface StepEntry {
  /** Counts from 1 in the order in which steps were entered. */
  readonly entryId: number;
  readonly routine: string;
  readonly step: string;
  readonly stepType: string;
  readonly line: number;
  readonly thread: string;
}

const STEP_TYPES: Readonly<Record<StepInfo["kind"], string>> = {
  none: "GOTO",
  assign: "ASSIGN",
  call: "CALL",
  switch: "SWITCH",
  for: "FOR",
  parallel: "PARALLEL",
  try: "TRY_RETRY_EXCEPT",
  raise: "RAISE",
  return: "RETURN",
  steps: "STEPS",
};

/** Every step that a journal's execution has entered so far: the journal is folded again, with someone watching. */
export function stepEntries(program: Program, journal: readonly JournalEntry[]): StepEntry[] {
  const entries: StepEntry[] = [];
  resume(program, journal, ({ thread, step: { name, routine, kind, span, anonymous } }) => {
    if (anonymous) return;
    const entryId = entries.length + 1;
    entries.push({ entryId, routine, step: name, stepType: STEP_TYPES[kind], line: span.line, thread });
  });
  return entries;
}
