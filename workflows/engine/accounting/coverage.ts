// Coverage of a test run: which steps ran, and which ways out of switches, retries and excepts were taken.
import type { Program } from "../compile/program.ts";
import type { Machine } from "../machine/state.ts";

/** One thing that can be covered. */
export interface CoverageItem {
  readonly routine: string;
  readonly step: string;
  readonly line: number;
  /** `step`, `case 0 taken`, `case 0 passed`, `except` or `retry`. */
  readonly what: string;
  readonly hits: number;
}

/** Adds up runs of one program. Both ways of each case count, as does each except and retry. */
export function coverage(program: Program, machines: readonly Machine[]): CoverageItem[] {
  const items: CoverageItem[] = [];
  const add = (step: number, what: string, hits: number): void => {
    const info = program.steps[step];
    if (info !== undefined)
      items.push({ routine: info.routine, step: info.name, line: info.span.line, what, hits });
  };
  const total = (read: (machine: Machine) => number | undefined): number =>
    machines.reduce((sum, machine) => sum + (read(machine) ?? 0), 0);
  for (const [index] of program.steps.entries())
    add(
      index,
      "step",
      total(({ tally }) => tally.visits.get(index)),
    );
  for (const { step, way, what } of ways(program))
    add(
      step,
      what,
      total(({ tally }) => tally.ways.get(`${step}:${way}`)),
    );
  return items;
}

/** Every way through a step that a run can record. A literal `true` case has no other way. */
function* ways(program: Program): Generator<{ step: number; way: string; what: string }> {
  for (const instruction of program.routines.flatMap(({ code }) => code)) {
    const { step } = instruction;
    if (instruction.op === "unless" && instruction.branch >= 0) {
      yield { step, way: `${instruction.branch}:taken`, what: `case ${instruction.branch} taken` };
      const constant = instruction.condition.kind === "literal" && instruction.condition.value === true;
      if (!constant)
        yield { step, way: `${instruction.branch}:passed`, what: `case ${instruction.branch} passed` };
    }
    if (instruction.op === "except") yield { step, way: "except", what: "except" };
    if (instruction.op === "retry-decide") yield { step, way: "retry", what: "retry" };
  }
}

/** The share of items with at least one hit, from 0 to 1; 1 when there is nothing to cover. */
export function coveredShare(items: readonly CoverageItem[]): number {
  return items.length === 0 ? 1 : items.filter(({ hits }) => hits > 0).length / items.length;
}
