// Errors on their way outward: to the nearest open try, or to the end of the thread.
import { encodeJson } from "../values/json.ts";
import { isBytes, isList, isMap, type Value } from "../values/value.ts";
import type { WorkflowError } from "../values/workflow-error.ts";
import type { TraceElement } from "./journal.ts";
import { stepAt, topFrame, type Run } from "./run.ts";
import type { Raised, Thread } from "./state.ts";

/** What happens when a thread has no frame left. */
export type EndThread = (run: Run, thread: Thread, raised: Raised) => void;

/** The error with its trace, taken where it was raised: innermost frame first. */
export function captureError(run: Run, thread: Thread, error: WorkflowError, byUser: boolean): Raised {
  // Choice: traceLine.
  const trace: TraceElement[] = thread.frames.toReversed().map((frame) => {
    const { name, routine, span } = stepAt(run, frame);
    return { step: name, routine, position: { line: span.line, column: span.column, length: span.length } };
  });
  const lines = trace.map(
    ({ step, routine, position }) =>
      `in step ${JSON.stringify(step)}, routine ${JSON.stringify(routine)}, line: ${position.line}`,
  );
  const message = byUser ? `RuntimeError: ${payloadOf(error.value)}` : error.message;
  return { value: error.value, context: [message, ...lines].join("\n"), trace };
}

/** Sends an error to the innermost open try of the thread, dropping frames on the way. */
export function sendError(run: Run, thread: Thread, raised: Raised, end: EndThread): void {
  thread.pending = undefined;
  while (thread.frames.length > 0) {
    const frame = topFrame(thread);
    for (let entry = frame.tries.pop(); entry !== undefined; entry = frame.tries.pop()) {
      if (entry.kind !== "try") continue;
      frame.tries.push({
        kind: "handling",
        handler: entry.handler,
        attempts: entry.attempts,
        raised,
        delaySeconds: 0,
      });
      frame.pc = entry.handler;
      thread.state = "ready";
      return;
    }
    dropFrame(run, thread);
  }
  end(run, thread, raised);
}

/** Removes the top frame and what its variables counted. */
export function dropFrame({ machine }: Run, thread: Thread): void {
  machine.bytes -= thread.frames.pop()?.bytes ?? 0;
}

/** An error value as JSON text, as the executions API shows it; bytes become base64 text. */
export function payloadOf(value: Value): string {
  return encodeJson(withoutBytes(value));
}

function withoutBytes(value: Value): Value {
  if (isBytes(value)) return Buffer.from(value).toString("base64");
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (isList(value)) return value.map(withoutBytes);
  if (isMap(value)) return new Map([...value].map(([key, item]) => [key, withoutBytes(item)]));
  return value;
}
