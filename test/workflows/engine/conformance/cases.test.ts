// The cases that are written as workflows: each file in cases/ holds some, laid out by section.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  compile,
  createMemoryJournal,
  createScriptedDriver,
  createVirtualClock,
  failure,
  jsonResponse,
  launch,
  stepCount,
  type EffectResult,
  type ExecutionError,
  type FailureTag,
  type Machine,
  type Problem,
  type Program,
} from "../../../../workflows/engine/engine.ts";
import { encodeJson, fromPlain, toPlain } from "../../../../workflows/engine/values/json.ts";

/** One case. What is expected of it is what stands in it. */
interface Case {
  readonly case: string;
  readonly workflow: string;
  readonly argument?: unknown;
  readonly env?: Record<string, string>;
  /** Answers to requests in order; the last one repeats. */
  readonly answers?: readonly {
    readonly status?: number;
    readonly body?: unknown;
    readonly fail?: FailureTag;
  }[];
  readonly result?: unknown;
  /** An uncaught error: its value, or a part of a map. */
  readonly error?: unknown;
  readonly context?: string;
  readonly trace?: readonly unknown[];
  /** Virtual seconds that pass. */
  readonly seconds?: number;
  readonly steps?: number;
  readonly timeouts?: readonly number[];
  /** Rules of the problems that refuse it, warnings left out. */
  readonly refused?: readonly string[];
  /** Rules of the warnings that it comes with. */
  readonly warned?: readonly string[];
  /** Place of the first problem, as line:column. */
  readonly at?: string;
  /** A part of the first problem, or of the error. */
  readonly says?: string;
}

const FOLDER = join(import.meta.dirname, "cases");

function answerOf({ status = 200, body, fail }: NonNullable<Case["answers"]>[number]): EffectResult {
  return fail === undefined ? jsonResponse(status, body) : failure(fail, "as the case says");
}

const rulesOf = (problems: readonly Problem[]): string[] => problems.map(({ rule }) => rule);

function checkProblems(all: readonly Problem[], { refused, at, says }: Case): void {
  const problems = all.filter(({ severity }) => severity === "error");
  expect(rulesOf(problems)).toEqual(refused);
  for (const { hint, message } of problems) expect(hint === "" || message === "").toBe(false);
  const [first] = problems;
  if (at !== undefined) expect(`${first?.line}:${first?.column}`).toBe(at);
  if (says !== undefined) expect(`${first?.message} (${first?.hint})`).toContain(says);
}

function checkError(error: ExecutionError, { error: expected, context, trace, says }: Case): void {
  const value: unknown = JSON.parse(error.payload);
  if (expected !== null && typeof expected === "object") expect(value).toMatchObject(expected);
  else expect(value).toBe(expected);
  if (context !== undefined) expect(error.context).toContain(context);
  if (trace !== undefined) expect(error.stackTrace.elements).toEqual(trace);
  if (says !== undefined) expect(error.payload).toContain(says);
}

async function checkRun(program: Program, expected: Case): Promise<void> {
  const { argument, env, answers } = expected;
  const driver = createScriptedDriver([{ when: () => true, answers: (answers ?? []).map(answerOf) }]);
  const clock = createVirtualClock();
  const execution = launch(program, {
    argument: encodeJson(fromPlain(argument)),
    env,
    seed: expected.case,
    journal: createMemoryJournal(),
    perform: driver.perform,
    clock,
  });
  const outcome = await execution.finished;
  if (outcome.state === "FAILED" && "error" in expected) checkError(outcome.error, expected);
  else {
    const result = encodeJson(fromPlain(expected.result));
    expect(outcome).toEqual({ state: "SUCCEEDED", result });
  }
  if (expected.seconds !== undefined) expect(clock.now() / 1000).toBeCloseTo(expected.seconds, 9);
  if (expected.steps !== undefined)
    expect(stepCount(execution.machine() as Machine).internal).toBe(expected.steps);
  if (expected.timeouts !== undefined) {
    const timeouts = driver.requests.map((request) => (request.kind === "http" ? request.timeoutSeconds : 0));
    expect(timeouts).toEqual(expected.timeouts);
  }
}

for (const file of readdirSync(FOLDER).toSorted()) {
  const text = readFileSync(join(FOLDER, file), "utf8");
  // Numbers where they are exact, bigint beyond.
  const cases = toPlain(fromPlain(parse(text, { intAsBigInt: true }))) as Case[];
  describe(file.replace(".yaml", ""), () => {
    test.each(cases.map((entry) => [entry.case, entry] as const))("%s", async (_, entry) => {
      const compiled = compile(entry.workflow, { file });
      if (entry.refused !== undefined) {
        checkProblems(compiled.ok ? [] : compiled.problems, entry);
        return;
      }
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems, null, 1));
      if (entry.warned !== undefined) expect(rulesOf(compiled.warnings)).toEqual(entry.warned);
      await checkRun(compiled.program, entry);
    });
  });
}
