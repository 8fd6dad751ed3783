// A result comes back: what the waiting thread does with it.
import type { Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { continueConnector } from "../connectors/continue.ts";
import { bodyOf, failureError, httpValue } from "./http.ts";
import { retryNow } from "./retries.ts";
import { instructionAt, storeResult, topFrame, type Run } from "./run.ts";
import type { EffectResult } from "./request.ts";
import type { Pending, Thread } from "./state.ts";

/** Applies a result to the thread that waits for it; `known` is a value that is already made. @throws {WorkflowError} */
export function applyResult(run: Run, thread: Thread, result: EffectResult, known?: Value): void {
  const { after, into } = thread.pending as Pending;
  const frame = topFrame(thread);
  run.step = instructionAt(run, frame).step;
  thread.pending = undefined;
  thread.state = "ready";
  switch (after.kind) {
    case "retry":
      return retryNow(frame, after.body);
    case "connector": {
      const value = continueConnector(run, thread, after.call, result, into);
      if (value === undefined) return;
      storeResult(run, frame, into, value);
      break;
    }
    case "http":
      storeResult(run, frame, into, httpValue(result));
      break;
    case "body":
      storeResult(run, frame, into, bodyOf(httpValue(result)));
      break;
    case "value":
      storeResult(run, frame, into, known ?? plainValue(result));
  }
  frame.pc++;
}

function plainValue(result: EffectResult): Value {
  switch (result.kind) {
    case "now":
      return result.seconds;
    case "done":
      return null;
    case "failure":
      throw failureError(result);
    default:
      throw runtimeError("SystemError", "the driver answered with a response that nobody asked for");
  }
}
