// The loop of the machine: pick a ready thread, carry out instructions until it blocks, again until all threads wait.
import type { Instruction } from "../compile/program.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { MEMORY_BYTES_MAX } from "../limits.ts";
import { encodeJson } from "../values/json.ts";
import { limitError, WorkflowError } from "../values/workflow-error.ts";
import { call, callEffect, returnTo } from "./calls.ts";
import * as basic from "./instructions.ts";
import { endBranch, endThread, failExecution, parallel } from "./parallel.ts";
import { captureError, dropFrame, sendError } from "./raise.ts";
import { endExcept, rethrowWith, retryDecide, retryPlan } from "./retries.ts";
import { instructionAt, topFrame, type Run } from "./run.ts";
import type { Raised, Thread } from "./state.ts";

const returnValue: basic.Handler<"return"> = (run, thread, frame, { value }) => {
  const result = evaluate(value, frame, run.host);
  if (thread.frames.length > 1) return returnTo(run, thread, result);
  if (thread.parent !== undefined) return endBranch(run, thread, undefined);
  const text = encodeJson(result);
  if (Buffer.byteLength(text) > MEMORY_BYTES_MAX)
    throw limitError("Result size limit exceeded", "ResultSizeLimitExceededError");
  dropFrame(run, thread);
  run.machine.threads = [];
  run.machine.outcome = { state: "SUCCEEDED", result: text };
  run.entries.push({ type: "ExecutionFinished", outcome: run.machine.outcome });
};

const HANDLERS: { readonly [Name in Instruction["op"]]: basic.Handler<Name> } = {
  enter: basic.enter,
  count: basic.count,
  assign: basic.assign,
  hold: basic.hold,
  evaluate: basic.evaluateOnly,
  call,
  effect: callEffect,
  jump: basic.jump,
  unless: basic.unless,
  "for-start": basic.forStart,
  "for-next": basic.forNext,
  try: basic.openTry,
  "try-end": basic.endTry,
  caught: basic.caught,
  "retry-plan": retryPlan,
  "retry-decide": retryDecide,
  except: basic.except,
  "except-end": endExcept,
  rethrow: rethrowWith(endThread),
  raise: basic.raise,
  return: returnValue,
  parallel,
  "branch-end": (run, thread) => endBranch(run, thread, undefined),
};

/** Runs every thread until all of them wait or the execution has ended. */
export function runThreads(run: Run): void {
  for (let thread = pickThread(run); thread !== undefined; thread = pickThread(run)) runThread(run, thread);
}

function pickThread({ machine }: Run): Thread | undefined {
  if (machine.outcome !== undefined) return undefined;
  const ready = machine.threads.filter(({ state }) => state === "ready");
  if (ready.length < 2) return ready[0];
  machine.random = (machine.random + 0x6d2b79f5) | 0;
  return ready[scramble(machine.random) % ready.length];
}

/** The output function of the mulberry32 generator: spreads a counter over 32 bits. */
function scramble(counter: number): number {
  let mixed = Math.imul(counter ^ (counter >>> 15), counter | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
}

/** Runs one thread until it blocks; where others are ready too, only to its next step. */
function runThread(run: Run, thread: Thread): void {
  const { machine } = run;
  const alone = machine.threads.every((other) => other === thread || other.state !== "ready");
  for (
    let moved = false;
    thread.state === "ready" && machine.outcome === undefined && thread.frames.length > 0;
    moved = true
  ) {
    const frame = topFrame(thread);
    const instruction = instructionAt(run, frame);
    run.step = instruction.step;
    if (!alone && moved && instruction.op === "enter") return;
    const handle = HANDLERS[instruction.op] as basic.Handler<Instruction["op"]>;
    guard(run, thread, () => handle(run, thread, frame, instruction));
  }
}

/** Carries out a part of a thread; errors of the language go to the thread's handlers, limits end the execution. */
export function guard(run: Run, thread: Thread, act: () => void): void {
  try {
    act();
  } catch (error) {
    const known = expectWorkflowError(error);
    const raised = captureError(run, thread, known, known instanceof basic.UserRaise);
    if (known.fatal) failExecution(run, raised);
    else deliverError(run, thread, raised);
  }
}

/** Sends an error outward. On the way a branch may end and others start, which can pass a limit. */
function deliverError(run: Run, thread: Thread, raised: Raised): void {
  try {
    sendError(run, thread, raised, endThread);
  } catch (error) {
    failExecution(run, captureError(run, thread, expectWorkflowError(error), false));
  }
}

/** The error of the language that an exception stands for. Any other exception is a fault of the engine and passes on. */
function expectWorkflowError(error: unknown): WorkflowError {
  if (error instanceof RangeError) return limitError("a value nests too deeply or grows too large");
  if (error instanceof WorkflowError) return error;
  throw error;
}
