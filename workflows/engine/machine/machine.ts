// The machine as pure functions: each takes a machine and answers a new one, with the entries for the journal and the
// requests for the driver.
import { createHash } from "node:crypto";
import type { Program } from "../compile/program.ts";
import { decodeJson } from "../values/json.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { newFrame } from "./calls.ts";
import { applyResult } from "./completion.ts";
import { callbackValue } from "./http.ts";
import type { JournalEntry, StartOptions } from "./journal.ts";
import type { CallbackHttpRequest, EffectRequest, EffectResult } from "./request.ts";
import { topFrame, writeSlot, type Observer, type Run } from "./run.ts";
import { cloneMachine, type Machine, type Thread } from "./state.ts";
import { guard, runThreads } from "./step.ts";

/** A machine with what it wrote and asked on the way there. */
export interface Turn {
  readonly machine: Machine;
  /** For the journal, to be stored before any request is carried out. */
  readonly entries: readonly JournalEntry[];
  /** For the driver. */
  readonly requests: readonly EffectRequest[];
}

/** A machine before its first step. The first entry of the journal says what it started with. */
export function start(program: Program, options: StartOptions): Turn {
  const env = { ...options.env };
  const argument = options.argument ?? "null";
  const callbackBase = options.callbackBase ?? productionCallbacks(env);
  const frame = newFrame(0, 0, undefined);
  const thread: Thread = {
    id: "0",
    parent: undefined,
    branch: "",
    nesting: 0,
    baseDepth: 0,
    frames: [frame],
    sequence: 0,
    state: "ready",
    pending: undefined,
    join: undefined,
  };
  const machine: Machine = {
    program,
    env: new Map(Object.entries(env)),
    seed: options.seed,
    callbackBase,
    nowMs: options.nowMs,
    threads: [thread],
    random: createHash("sha256").update(options.seed).digest().readInt32BE(0),
    bytes: 0,
    branchErrors: 0,
    callbacks: [],
    tally: {
      internal: 0,
      external: 0,
      assignments: 0,
      billed: new Map(),
      outside: new Map(),
      visits: new Map(),
      ways: new Map(),
    },
    outcome: undefined,
  };
  const entry: JournalEntry = {
    type: "ExecutionStarted",
    startedMs: options.nowMs,
    revision: program.revision,
    argument,
    env,
    seed: options.seed,
    callbackBase,
  };
  const run = openRun(machine, options.nowMs);
  const [main] = run.machine.threads as [Thread];
  const param = program.routines[0]?.params[0];
  guard(run, main, () => {
    const value = decodeJson(argument);
    if (param === undefined) return;
    const given = value === null && param.default !== undefined ? param.default : value;
    writeSlot(run, topFrame(main), { hops: 0, slot: 0, name: param.name }, given);
  });
  return { machine: run.machine, entries: [entry, ...run.entries], requests: [] };
}

function productionCallbacks(env: Readonly<Record<string, string>>): string {
  const part = (name: string): string => env[`GOOGLE_CLOUD_${name}`] ?? "-";
  const workflow = `projects/${part("PROJECT_NUMBER")}/locations/${part("LOCATION")}/workflows/${part("WORKFLOW_ID")}`;
  return `https://workflowexecutions.googleapis.com/v1/${workflow}/executions/${part("WORKFLOW_EXECUTION_ID")}/callbacks`;
}

function openRun(machine: Machine, nowMs: number, observer?: Observer): Run {
  const copy = cloneMachine(machine);
  copy.nowMs = nowMs;
  return { machine: copy, host: { env: copy.env }, nowMs, entries: [], requests: [], observer, step: 0 };
}

function close({ machine, entries, requests }: Run): Turn {
  return { machine, entries, requests };
}

/** Runs a machine that was just started until every thread waits or the execution ends. What it is told later runs by itself. */
export function advance(machine: Machine, observer?: Observer): Turn {
  const run = openRun(machine, machine.nowMs, observer);
  runThreads(run);
  return close(run);
}

/** The requests that the machine waits for. */
export function outstanding(machine: Machine): EffectRequest[] {
  return machine.threads.flatMap(({ pending }) => (pending === undefined ? [] : [pending.request]));
}

/**
 * Gives the machine the result of a request, at the time `nowMs`, and runs on. A request that nobody waits for any more changes
 * nothing. Each thing that the machine is told runs to a standstill by itself, so that the order of steps follows from the journal.
 */
export function complete(
  machine: Machine,
  id: string,
  result: EffectResult,
  nowMs: number,
  observer?: Observer,
): Turn {
  const run = openRun(machine, nowMs, observer);
  const thread = run.machine.threads.find(({ pending }) => pending?.request.id === id);
  if (thread?.pending === undefined) return { machine, entries: [], requests: [] };
  const timer = thread.pending.request.kind === "sleep";
  run.entries.push(
    timer ? { type: "TimerFired", id, atMs: nowMs } : { type: "EffectCompleted", id, result, atMs: nowMs },
  );
  guard(run, thread, () => applyResult(run, thread, result));
  runThreads(run);
  return close(run);
}

/** The due time of a sleep or of a wait for a callback has come; runs on. */
export function fireTimer(machine: Machine, id: string, nowMs: number, observer?: Observer): Turn {
  const run = openRun(machine, nowMs, observer);
  const thread = run.machine.threads.find(({ pending }) => pending?.request.id === id);
  const kind = thread?.pending?.request.kind;
  if (thread === undefined || (kind !== "sleep" && kind !== "callback"))
    return { machine, entries: [], requests: [] };
  run.entries.push({ type: "TimerFired", id, atMs: nowMs });
  guard(run, thread, () => {
    if (kind === "callback") throw runtimeError("TimeoutError", "the wait for a callback timed out");
    applyResult(run, thread, { kind: "done" });
  });
  runThreads(run);
  return close(run);
}

/** The answer to a request at a callback endpoint. */
export type CallbackStatus = 200 | 404 | 405 | 429;

/**
 * A request came to a callback endpoint. The status to answer: 200 taken, 404 unknown endpoint or ended execution, 405 wrong
 * method, 429 a request is already held.
 */
export function receive(
  machine: Machine,
  callback: string,
  request: CallbackHttpRequest,
  receivedMs: number,
  observer?: Observer,
): Turn & { readonly status: CallbackStatus } {
  const refused = (status: 404 | 405 | 429): Turn & { status: 404 | 405 | 429 } => ({
    machine,
    entries: [],
    requests: [],
    status,
  });
  const known = machine.callbacks.find(({ id }) => id === callback);
  if (known === undefined || machine.outcome !== undefined) return refused(404);
  if (known.method !== request.method) return refused(405);
  if (known.held !== undefined) return refused(429);
  const run = openRun(machine, receivedMs, observer);
  run.entries.push({ type: "CallbackReceived", callback, request, receivedMs });
  const waiting = run.machine.threads.find(
    ({ pending }) => pending?.request.kind === "callback" && pending.request.callback === callback,
  );
  const slot = run.machine.callbacks.find(({ id }) => id === callback);
  if (waiting === undefined && slot !== undefined) slot.held = { request, receivedMs };
  else if (waiting !== undefined && slot !== undefined) {
    slot.consumed = true;
    guard(run, waiting, () =>
      applyResult(run, waiting, { kind: "done" }, callbackValue(request, receivedMs)),
    );
  }
  runThreads(run);
  return { ...close(run), status: 200 };
}

/** Ends the execution; neither except nor anything else of the workflow runs. */
export function cancel(machine: Machine): Turn {
  if (machine.outcome !== undefined) return { machine, entries: [], requests: [] };
  const run = openRun(machine, machine.nowMs);
  // Choice: exceptOnCancel.
  run.machine.threads = [];
  run.machine.outcome = { state: "CANCELLED" };
  run.entries.push({ type: "Cancelled" }, { type: "ExecutionFinished", outcome: run.machine.outcome });
  return close(run);
}
