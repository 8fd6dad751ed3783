// Compiles and runs a workflow in virtual time, for tests.
import {
  compile,
  createMemoryJournal,
  createScriptedDriver,
  createVirtualClock,
  execute,
  formatProblem,
  type Outcome,
  type Program,
  type ScriptedDriver,
  type ScriptLine,
} from "../../../../workflows/engine/engine.ts";

/** Compiles a source that must have no problems. */
export function program(source: string): Program {
  const compiled = compile(source, { file: "test.yaml" });
  if (compiled.ok) return compiled.program;
  throw new Error(compiled.problems.map(formatProblem).join("\n"));
}

/** The rules of the problems of a source, in order. */
export function problemsOf(source: string): string[] {
  const compiled = compile(source, { file: "test.yaml" });
  return (compiled.ok ? compiled.warnings : compiled.problems).map(({ rule }) => rule);
}

/** What a run leaves. */
export interface Ran {
  readonly outcome: Outcome;
  readonly driver: ScriptedDriver;
  /** Virtual seconds that passed. */
  readonly seconds: number;
  /** Kinds of journal entries. */
  readonly entries: readonly string[];
}

/** How a run may differ from the plain one. */
export interface RunSettings {
  readonly argument?: unknown;
  readonly env?: Record<string, string>;
  readonly seed?: string;
  readonly script?: readonly ScriptLine[];
}

/** Runs a source to its end in virtual time. */
export async function run(
  source: string,
  { argument, env, seed = "seed", script = [] }: RunSettings = {},
): Promise<Ran> {
  const clock = createVirtualClock();
  const driver = createScriptedDriver(script);
  const journal = createMemoryJournal();
  const outcome = await execute(program(source), {
    ...(argument === undefined ? {} : { argument: JSON.stringify(argument) }),
    ...(env === undefined ? {} : { env }),
    seed,
    journal,
    perform: driver.perform,
    clock,
  });
  return { outcome, driver, seconds: clock.now() / 1000, entries: journal.entries.map(({ type }) => type) };
}

/** The result of a run as JSON text; an uncaught error becomes `ERROR payload`. */
export async function resultText(source: string, settings?: RunSettings): Promise<string> {
  const { outcome } = await run(source, settings);
  if (outcome.state === "SUCCEEDED") return outcome.result;
  return outcome.state === "FAILED" ? `ERROR ${outcome.error.payload}` : outcome.state;
}

/** The result of one expression as JSON text; `variables` are YAML lines assigned before it. */
export function evaluated(expression: string, variables: readonly string[] = []): Promise<string> {
  const assign =
    variables.length === 0
      ? ""
      : `- init:\n    assign:\n${variables.map((line) => `      - ${line}\n`).join("")}`;
  return resultText(`${assign}- done:\n    return: '\${${expression.replaceAll("'", "''")}}'\n`);
}

/** The tags of the error that an expression raises, as JSON text; `no error` when it raises none. */
export function tagsOf(expression: string, variables: readonly string[] = []): Promise<string> {
  const assign =
    variables.length === 0
      ? ""
      : `- init:\n    assign:\n${variables.map((line) => `      - ${line}\n`).join("")}`;
  return resultText(`${assign}- attempt:
    try:
      assign:
        - x: '\${${expression.replaceAll("'", "''")}}'
    except:
      as: e
      steps:
        - caught:
            return: \${e.tags}
- done:
    return: no error
`);
}
