// Cases that are workflows with what is expected of them, in YAML: compiled, run in virtual time, and held to every expectation.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { expect } from "vitest";
import {
  compile,
  createMemoryJournal,
  createScriptedDriver,
  createVirtualClock,
  failure,
  formatProblem,
  jsonResponse,
  launch,
  stepCount,
  type EffectResult,
  type ExecutionError,
  type FailureTag,
  type Machine,
  type Problem,
  type Program,
  type ScriptLine,
} from "../../../../workflows/engine/engine.ts";
import { encodeJson, fromPlain, toPlain } from "../../../../workflows/engine/values/json.ts";

/** An answer to a request: a response, or why there is none. */
interface Answer {
  readonly when?: string;
  readonly status?: number;
  readonly body?: unknown;
  readonly fail?: FailureTag;
}

/** One case. What is expected of it is what stands in it. */
export interface Case {
  readonly case: string;
  readonly workflow: string;
  readonly argument?: unknown;
  readonly env?: Record<string, string>;
  /** Answers to requests in order; the last one repeats. Those with the same `when` (method and how the URL begins) are one order. */
  readonly answers?: readonly Answer[];
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

/** The cases of a file. */
export function readCaseFile(path: string): Case[] {
  // Numbers where they are exact, bigint beyond.
  return toPlain(fromPlain(parse(readFileSync(path, "utf8"), { intAsBigInt: true }))) as Case[];
}

function answerOf({ status = 200, body, fail }: Answer): EffectResult {
  return fail === undefined ? jsonResponse(status, body) : failure(fail, "as the case says");
}

function scriptOf(answers: readonly Answer[] = []): ScriptLine[] {
  const orders = Map.groupBy(answers, ({ when }) => when);
  return Array.from(orders, ([when, order]) => ({
    when: when ?? ((): boolean => true),
    answers: order.map(answerOf),
  }));
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
  const driver = createScriptedDriver(scriptOf(answers));
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

/** Checks one case. */
export async function checkCase(entry: Case, file: string): Promise<void> {
  const compiled = compile(entry.workflow, { file });
  if (entry.refused !== undefined) return checkProblems(compiled.ok ? [] : compiled.problems, entry);
  if (!compiled.ok) throw new Error(compiled.problems.map(formatProblem).join("\n"));
  if (entry.warned !== undefined) expect(rulesOf(compiled.warnings)).toEqual(entry.warned);
  await checkRun(compiled.program, entry);
}
