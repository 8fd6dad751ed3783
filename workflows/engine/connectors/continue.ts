// Goes on with a connector call when one of its requests has an answer: retry, poll, or finish.
import type { Slot } from "../compile/program.ts";
import { DEFAULT_BACKOFF, isTransient } from "../library/retry.ts";
import { bodyOf, httpValue } from "../machine/http.ts";
import { issue } from "../machine/issue.ts";
import { retryDelay } from "../machine/retries.ts";
import type { EffectResult } from "../machine/request.ts";
import { countStep, type Run } from "../machine/run.ts";
import type { Thread } from "../machine/state.ts";
import { decodeJson } from "../values/json.ts";
import { isMap, typeWord, type Value, type ValueMap } from "../values/value.ts";
import { runtimeError, taggedError, WorkflowError } from "../values/workflow-error.ts";
import { connectorRequest, isIdempotent } from "./begin.ts";
import type { ConnectorCall } from "./connector-call.ts";
import { findConnector, type ConnectorEntry } from "./table.ts";

/** Repeats of one request after transient errors, as in the default policies. */
const RETRIES_MAX = 5;

/** The thread that waits, and where its result goes. */
interface Waiting {
  readonly run: Run;
  readonly thread: Thread;
  readonly into: Slot | undefined;
}

/** The value of the call, or undefined when it has issued another request. @throws {WorkflowError} when it failed. */
export function continueConnector(
  run: Run,
  thread: Thread,
  call: ConnectorCall,
  result: EffectResult,
  into: Slot | undefined,
): Value | undefined {
  const waiting = { run, thread, into };
  if (call.phase === "wait") {
    countStep(run);
    return send(waiting, { ...call, phase: call.next });
  }
  let body: Value;
  try {
    body = bodyOf(httpValue(result));
  } catch (error) {
    if (!(error instanceof WorkflowError) || error.fatal || call.retries >= RETRIES_MAX) throw error;
    if (!isTransient(error.value, isIdempotent(call.request))) throw error;
    return wait(
      waiting,
      { ...call, retries: call.retries + 1 },
      call.phase,
      retryDelay(DEFAULT_BACKOFF, call.retries),
    );
  }
  const entry = findConnector(call.name) as ConnectorEntry;
  if (entry.longRunning === undefined) return finish(entry, body);
  if (call.options.skipPolling && call.phase === "call") return entry.helper === "execute" ? null : body;
  return entry.longRunning === "operation"
    ? afterOperation(waiting, call, entry, body)
    : afterExecution(waiting, call, entry, body);
}

function finish({ helper }: ConnectorEntry, body: Value): Value {
  if (helper !== "access-string") return body;
  const payload = isMap(body) ? body.get("payload") : undefined;
  const data = isMap(payload) ? payload.get("data") : undefined;
  if (typeof data !== "string")
    throw runtimeError("ResponseTypeError", "the secret version has no payload.data");
  return Buffer.from(data, "base64").toString("utf8");
}

function send({ run, thread, into }: Waiting, call: ConnectorCall): undefined {
  issue(run, thread, call.request, { kind: "connector", call }, into);
}

function wait(
  { run, thread, into }: Waiting,
  call: ConnectorCall,
  next: "call" | "poll",
  seconds: number,
): undefined {
  const dueMs = run.nowMs + seconds * 1000;
  if (dueMs > call.startedMs + call.options.timeoutSeconds * 1000) {
    throw runtimeError(
      "TimeoutError",
      `${call.name} did not finish within ${call.options.timeoutSeconds} seconds`,
    );
  }
  const waiting: ConnectorCall = { ...call, phase: "wait", next };
  issue(
    run,
    thread,
    { kind: "sleep", dueMs, reason: next === "poll" ? "poll" : "retry" },
    { kind: "connector", call: waiting },
    into,
  );
}

function poll(
  waiting: Waiting,
  call: ConnectorCall,
  { pollBase }: ConnectorEntry,
  resource: ValueMap,
): undefined {
  const name = resource.get("name");
  if (typeof name !== "string")
    throw runtimeError("ResponseTypeError", `${call.name} answered a resource without a name`);
  const { initialDelay, maxDelay, multiplier } = call.options;
  const request = connectorRequest(call.name, "GET", { url: `${pollBase}/${name}` }, call.options);
  const delay = retryDelay({ initialDelay, maxDelay, multiplier }, call.polls);
  return wait(waiting, { ...call, request, retries: 0, polls: call.polls + 1 }, "poll", delay);
}

function expectResource(call: ConnectorCall, body: Value): ValueMap {
  if (isMap(body)) return body;
  throw runtimeError("ResponseTypeError", `${call.name} answered '${typeWord(body)}' instead of a resource`);
}

function afterOperation(
  waiting: Waiting,
  call: ConnectorCall,
  entry: ConnectorEntry,
  body: Value,
): Value | undefined {
  const operation = expectResource(call, body);
  if (operation.get("done") !== true) return poll(waiting, call, entry, operation);
  const error = operation.get("error");
  if (error === undefined) return operation.get("response") ?? operation;
  const detail =
    isMap(error) && typeof error.get("message") === "string"
      ? (error.get("message") as string)
      : "the operation failed";
  throw taggedError(["OperationError"], detail, { operation, error });
}

function afterExecution(
  waiting: Waiting,
  call: ConnectorCall,
  entry: ConnectorEntry,
  body: Value,
): Value | undefined {
  const execution = expectResource(call, body);
  switch (execution.get("state")) {
    case "ACTIVE":
    case "QUEUED":
      return poll(waiting, call, entry, execution);
    case "SUCCEEDED": {
      const result = execution.get("result");
      return typeof result === "string" ? decodeJson(result) : null;
    }
    default:
      throw taggedError(["OperationError"], "Execution failed or cancelled.", { operation: execution });
  }
}
