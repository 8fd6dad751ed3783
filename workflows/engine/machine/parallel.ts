// Parallel steps: threads start up to the limits, the parent waits, errors of branches are gathered.
import type { ParallelInstruction } from "../compile/program.ts";
import { CHOICES } from "../choices.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { BRANCH_ERRORS_MAX, PARALLEL_ACTIVE_MAX, PARALLEL_DEPTH_MAX } from "../limits.ts";
import { mapOf, type Value } from "../values/value.ts";
import { runtimeError, taggedError } from "../values/workflow-error.ts";
import { newFrame } from "./calls.ts";
import { listOf, rangeOf, valueAt, type Handler } from "./instructions.ts";
import { nextNumber } from "./issue.ts";
import { captureError, dropFrame, payloadOf, sendError, type EndThread } from "./raise.ts";
import { countStep, instructionAt, topFrame, writeSlot, type Run } from "./run.ts";
import { encodeJson } from "../values/json.ts";
import type { Frame, Join, Raised, Thread } from "./state.ts";

function limitOf(run: Run, frame: Frame, { limit }: ParallelInstruction): number {
  if (limit === undefined) return PARALLEL_ACTIVE_MAX;
  const value = evaluate(limit, frame, run.host);
  if (typeof value !== "bigint") throw runtimeError("TypeError", "concurrency_limit must be an int");
  if (value < 1n) throw runtimeError("ValueError", `concurrency_limit must be positive; got: ${value}`);
  return Math.min(Number(value), PARALLEL_ACTIVE_MAX);
}

/** How many values a range has; the difference of integers is taken before it may lose digits as a double. */
function rangeSize(first: bigint | number, last: bigint | number): number {
  const exact = typeof first === "bigint" && typeof last === "bigint";
  return Math.max(0, Math.floor(exact ? Number(last - first) : Number(last) - Number(first)) + 1);
}

function workOf(
  run: Run,
  frame: Frame,
  { loop, branches }: ParallelInstruction,
): Pick<Join, "items" | "first" | "total"> {
  if (loop === undefined) return { items: undefined, first: undefined, total: branches.length };
  const collection = evaluate(loop.collection, frame, run.host);
  if (loop.over === "in") {
    const items = listOf(collection);
    return { items, first: undefined, total: items.length };
  }
  const [first, last] = rangeOf(collection);
  return { items: undefined, first, total: rangeSize(first, last) };
}

export const parallel: Handler<"parallel"> = (run, thread, frame, instruction) => {
  if (thread.nesting >= PARALLEL_DEPTH_MAX) {
    throw runtimeError("ParallelNestingError", `parallel steps nest deeper than ${PARALLEL_DEPTH_MAX}`);
  }
  const limit = limitOf(run, frame, instruction);
  const work = workOf(run, frame, instruction);
  thread.join = {
    prefix: `${thread.id}.${nextNumber(thread)}`,
    ...work,
    limit,
    next: 0,
    active: 0,
    errors: [],
    failed: 0,
  };
  thread.state = "joining";
  settleJoins(run);
};

/** Starts every thread that the limits allow, and lets parents go on whose threads have all ended. */
export function settleJoins(run: Run): void {
  const { machine } = run;
  for (const parent of machine.threads.filter(({ state }) => state === "joining")) {
    // Ending one join can end others: a parent that has gone on by now is left alone.
    const { join } = parent;
    if (join === undefined || !machine.threads.includes(parent)) continue;
    while (join.active < join.limit && join.next < join.total && activeThreads(run) < PARALLEL_ACTIVE_MAX) {
      countStep(run);
      startThread(run, parent, join);
    }
    if (join.next === join.total && join.active === 0) finishJoin(run, parent, join);
  }
}

/** Threads of parallel steps at work; one that waits for threads of its own does not count, else nesting could lock up. */
function activeThreads({ machine }: Run): number {
  return machine.threads.filter(({ parent, state }) => parent !== undefined && state !== "joining").length;
}

function startThread(run: Run, parent: Thread, join: Join): void {
  const outer = topFrame(parent);
  const { loop, branches, start } = instructionAt(run, outer) as ParallelInstruction & { step: number };
  const index = join.next++;
  join.active++;
  const branch = branches[index];
  const item =
    join.items === undefined
      ? join.first === undefined
        ? undefined
        : valueAt(join.first, BigInt(index))
      : join.items[index];
  const frame = newFrame(outer.routine, (branch?.start ?? start).pc, outer);
  if (loop !== undefined && item !== undefined) {
    writeSlot(run, frame, loop.value, item);
    if (loop.index !== undefined) writeSlot(run, frame, loop.index, BigInt(index));
  }
  const named = CHOICES.iterationId === "value" && item !== undefined ? idText(item) : String(index);
  run.machine.threads.push({
    id: `${join.prefix}.${index}`,
    parent: parent.id,
    branch: branch?.id ?? named,
    nesting: parent.nesting + 1,
    baseDepth: parent.baseDepth + parent.frames.length - 1,
    frames: [frame],
    sequence: 0,
    state: "ready",
    pending: undefined,
    join: undefined,
  });
}

function idText(value: Value): string {
  return typeof value === "string" ? value : encodeJson(value);
}

/** Ends a branch or iteration, with the error that nobody caught if there is one. */
export function endBranch(run: Run, thread: Thread, raised: Raised | undefined): void {
  const { machine } = run;
  while (thread.frames.length > 0) dropFrame(run, thread);
  machine.threads = machine.threads.filter((other) => other !== thread);
  const parent = machine.threads.find(({ id }) => id === thread.parent) as Thread;
  const join = parent.join as Join;
  join.active--;
  if (raised !== undefined) {
    join.failed++;
    if (machine.branchErrors < BRANCH_ERRORS_MAX) {
      machine.branchErrors++;
      join.errors.push({ id: thread.branch, context: raised.context, payload: payloadOf(raised.value) });
    }
  }
  settleJoins(run);
}

function finishJoin(run: Run, parent: Thread, join: Join): void {
  const frame = topFrame(parent);
  parent.join = undefined;
  parent.state = "ready";
  if (join.failed === 0) {
    frame.pc = (instructionAt(run, frame) as ParallelInstruction & { step: number }).end.pc;
    return;
  }
  const branches = join.errors.map(({ id, context, payload }) =>
    mapOf({ error: mapOf({ context, payload }), id }),
  );
  const message =
    "UnhandledBranchError: One or more branches or iterations encountered an unhandled runtime error";
  const error = taggedError(["UnhandledBranchError", "RuntimeError"], message, {
    truncated: join.errors.length < join.failed,
  });
  const value = new Map<string, Value>([["branches", branches], ...(error.value as Map<string, Value>)]);
  const raised = { ...captureError(run, parent, error, false), value };
  sendError(run, parent, raised, (_, thread, uncaught) => endThread(run, thread, uncaught));
}

/** Ends a thread with an error that nobody caught: the execution for the main one, the branch for the others. */
export const endThread: EndThread = (run, thread, raised) => {
  if (thread.parent !== undefined) endBranch(run, thread, raised);
  else failExecution(run, raised);
};

/** Ends the execution with an error. */
export function failExecution({ machine, entries }: Run, { value, context, trace }: Raised): void {
  machine.threads = [];
  machine.outcome = {
    state: "FAILED",
    error: { payload: payloadOf(value), context, stackTrace: { elements: trace } },
  };
  entries.push({ type: "ExecutionFinished", outcome: machine.outcome });
}
