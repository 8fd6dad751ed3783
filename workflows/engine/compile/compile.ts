// Compiles a source: parse, resolve names, check every rule of deployment, emit instructions.
import { createHash } from "node:crypto";
import { createProblemList, type Problem, type ProblemList } from "../parse/problem.ts";
import type { RoutineTree } from "../parse/tree.ts";
import { parseWorkflow } from "../parse/workflow.ts";
import { collectStepNames } from "./blocks.ts";
import { emit, type Emitter } from "./emitter.ts";
import type { Program, Routine, StepInfo } from "./program.ts";
import { warnUnreachable } from "./reach.ts";
import { declare, declareAssigned, openScope, type Layout } from "./scopes.ts";
import { emitSteps } from "./steps.ts";

/** A program, or everything that keeps the file from being one. Warnings come with both. */
export type Compiled =
  | { readonly ok: true; readonly program: Program; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Compiles the text of a workflow; `file` is the name that problems carry. Never throws for what stands in the source. */
export function compile(source: string, { file }: { readonly file: string }): Compiled {
  const problems = createProblemList(file);
  const tree = parseWorkflow(source, problems);
  if (tree === undefined) return { ok: false, problems: problems.problems };
  const routines = new Map<string, { index: number; tree: RoutineTree }>();
  // main comes first, wherever it stands in the file.
  const ordered = tree.routines.toSorted((a, b) => Number(b.name === "main") - Number(a.name === "main"));
  for (const [index, routine] of ordered.entries()) routines.set(routine.name, { index, tree: routine });
  const steps: StepInfo[] = [];
  const compiled = ordered.map((routine) => compileRoutine(routine, routines, steps, problems));
  if (problems.hasErrors()) return { ok: false, problems: sorted(problems.problems) };
  const revision = createHash("sha256").update(source).digest("hex");
  const warnings = sorted(problems.problems);
  return { ok: true, program: { file, revision, routines: compiled, steps, warnings }, warnings };
}

function sorted(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function compileRoutine(
  tree: RoutineTree,
  routines: Emitter["routines"],
  steps: StepInfo[],
  problems: ProblemList,
): Routine {
  const layout: Layout = { names: [] };
  const scope = openScope(undefined, layout);
  for (const { name } of tree.params) declare(scope, name);
  declareAssigned(scope, tree.steps);
  const stepNames = collectStepNames(tree.steps, problems);
  warnUnreachable(tree.steps, problems);
  const emitter: Emitter = {
    problems,
    routines,
    steps,
    code: [],
    routine: tree.name,
    stepNames,
    scope,
    step: 0,
  };
  emitSteps(emitter, tree.steps, undefined, { kind: "routine", parent: undefined, depth: 0 }, 0);
  emit(emitter, { op: "return", value: { kind: "literal", value: null }, implicit: true });
  const params = tree.params.map(({ name, default: value }) => ({
    name,
    ...(value === undefined ? {} : { default: value }),
  }));
  return { name: tree.name, params, code: emitter.code, slotNames: layout.names };
}
