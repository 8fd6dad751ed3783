// All cases of a workflow, with what they covered.
import { existsSync } from "node:fs";
import { normalize } from "node:path";
import {
  coverage,
  coveredShare,
  type CoverageItem,
  type Machine,
  type Program,
} from "../../workflows/engine/engine.ts";
import { CommandError, EXIT } from "../exit.ts";
import { type CaseFile, caseFileOf, isCaseFile, parseCaseFile, workflowOf } from "./case-file.ts";
import { type CaseResult, runCase } from "./case-run.ts";
import { formatProblems, loadWorkflow, readText } from "./source.ts";

/** A workflow with its cases. */
export interface Suite {
  readonly program: Program;
  readonly cases: CaseFile;
}

/** How a suite went. */
export interface SuiteResult {
  readonly program: Program;
  readonly results: readonly CaseResult[];
  readonly coverage: Coverage;
}

/** What the cases met of the workflow. */
export interface Coverage {
  readonly steps: { readonly met: number; readonly all: number };
  readonly branches: { readonly met: number; readonly all: number };
  /** From 0 to 1, over steps and branches. */
  readonly share: number;
  readonly missed: readonly CoverageItem[];
}

/** Loads a workflow and the cases beside it, or in another file; either path may be given. */
export async function loadSuite(path: string, casesPath?: string): Promise<Suite> {
  const file = casesPath ?? (isCaseFile(path) ? path : caseFileOf(path));
  if (!existsSync(file)) throw noCases(path, file);
  const parsed = parseCaseFile(await readText(file, "The file of cases"), file);
  if (!parsed.ok) throw new CommandError(EXIT.refused, formatProblems(parsed.problems));
  const { program } = await loadWorkflow(isCaseFile(path) ? workflowOf(path, parsed.cases) : path);
  return { program, cases: parsed.cases };
}

/** Says which of the two files is missing. */
function noCases(workflow: string, cases: string): CommandError {
  const what =
    isCaseFile(workflow) || existsSync(workflow)
      ? `${cases} does not exist: write cases there; \`signalbox workflows test --help\` shows the form.`
      : `The workflow ${workflow} does not exist: correct the path.`;
  return new CommandError(EXIT.notFound, what);
}

/** The files to test, each suite once, though \`workflows/*.yaml\` names a workflow and its cases. */
export function suitesOf(paths: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return paths.filter((path) => {
    const cases = normalize(isCaseFile(path) ? path : caseFileOf(path));
    return !seen.has(cases) && seen.add(cases).size > 0;
  });
}

function coverageOf(program: Program, results: readonly CaseResult[]): Coverage {
  const machines = results.flatMap(({ machine }): Machine[] => (machine === undefined ? [] : [machine]));
  const items = coverage(program, machines);
  const count = (some: readonly CoverageItem[]) => ({
    met: some.filter(({ hits }) => hits > 0).length,
    all: some.length,
  });
  return {
    steps: count(items.filter(({ what }) => what === "step")),
    branches: count(items.filter(({ what }) => what !== "step")),
    share: coveredShare(items),
    missed: items.filter(({ hits }) => hits === 0),
  };
}

/** Runs the cases one after another, each in its own virtual time; `only` is a part of their names. */
export async function runSuite({ program, cases }: Suite, only = ""): Promise<SuiteResult> {
  const results: CaseResult[] = [];
  for (const test of cases.cases)
    if (test.name.includes(only)) results.push(await runCase(program, cases, test));
  return { program, results, coverage: coverageOf(program, results) };
}
