// Requests leave the machine here: with an id that a replay gives again, and an entry in the journal before anything happens.
import type { Slot } from "../compile/program.ts";
import { stepAt, topFrame, type Run } from "./run.ts";
import type { EffectRequest, RequestBody } from "./request.ts";
import type { Continuation, Thread } from "./state.ts";

/** Makes a thread wait for a request. */
export function issue(
  run: Run,
  thread: Thread,
  body: RequestBody,
  after: Continuation,
  into: Slot | undefined,
): void {
  const { name, routine, span } = stepAt(run, topFrame(thread));
  const request: EffectRequest = {
    ...body,
    id: `${thread.id}/${nextNumber(thread)}`,
    routine,
    step: name,
    line: span.line,
  };
  thread.state = "waiting";
  thread.pending = { request, after, into };
  run.entries.push({ type: "EffectRequested", request });
  run.requests.push(request);
}

/** The next number of a thread: for requests, children and ids. */
export function nextNumber(thread: Thread): number {
  return thread.sequence++;
}
