// Retry: after an error, plan the delay, ask the predicate, and either wait and try again or go on to except.
import type { RetryCode } from "../compile/program.ts";
import { CHOICES } from "../choices.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { findFunction } from "../library/library.ts";
import { asMap, asNumeric } from "../library/library-function.ts";
import { DEFAULT_BACKOFF, type Backoff } from "../library/retry.ts";
import { SLEEP_SECONDS_MAX } from "../limits.ts";
import { isMap, typeWord, type Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import type { Handler } from "./instructions.ts";
import { issue } from "./issue.ts";
import { sendError, type EndThread } from "./raise.ts";
import { clearSlots, countStep, recordWay, type Run } from "./run.ts";
import type { Frame, TryEntry } from "./state.ts";

type Handling = TryEntry & { kind: "handling" };

function handlingOf(frame: Frame): Handling {
  return frame.tries.at(-1) as Handling;
}

/** Retries that the policy allows. @throws {WorkflowError} TypeError or ValueError. */
function retriesOf(run: Run, frame: Frame, { maxRetries, defaults, builtin }: RetryCode): number {
  if (maxRetries !== undefined) {
    const value = Number(asNumeric(evaluate(maxRetries, frame, run.host), "max_retries"));
    if (value >= 0) return value;
    throw runtimeError("ValueError", `max_retries must not be negative; got: ${value}`);
  }
  if (defaults.maxRetries !== undefined) return Number(defaults.maxRetries);
  return builtin === undefined ? 0 : CHOICES.retriesWithoutNumber;
}

function backoffOf(run: Run, frame: Frame, { backoff }: RetryCode): Backoff {
  if (backoff === undefined) return DEFAULT_BACKOFF;
  const value = evaluate(backoff, frame, run.host);
  const map = isMap(value) ? value : asMap(value, "backoff");
  const read = (key: string, fallback: number): number => {
    const given = map.get(key);
    const number = given === undefined ? fallback : Number(asNumeric(given, `backoff.${key}`));
    if (number >= 0) return number;
    throw runtimeError("ValueError", `backoff.${key} must not be negative; got: ${number}`);
  };
  return {
    initialDelay: read("initial_delay", DEFAULT_BACKOFF.initialDelay),
    maxDelay: read("max_delay", DEFAULT_BACKOFF.maxDelay),
    multiplier: read("multiplier", DEFAULT_BACKOFF.multiplier),
  };
}

/** Seconds before retry `n`, counted from 0: `min(initial × multiplier^n, max)`. */
export function retryDelay({ initialDelay, maxDelay, multiplier }: Backoff, n: number): number {
  return Math.min(initialDelay * multiplier ** n, maxDelay, SLEEP_SECONDS_MAX);
}

export const retryPlan: Handler<"retry-plan"> = (run, _, frame, { retry, giveUp, errorInto }) => {
  const handling = handlingOf(frame);
  // Choice: predicateAfterLastRetry.
  if (handling.attempts >= retriesOf(run, frame, retry)) {
    frame.pc = giveUp.pc;
    return;
  }
  const delaySeconds = retryDelay(backoffOf(run, frame, retry), handling.attempts);
  frame.tries[frame.tries.length - 1] = { ...handling, delaySeconds };
  if (errorInto !== undefined) frame.vars[errorInto.slot] = handling.raised.value;
  frame.pc++;
};

function decide(error: Value, builtin: string | undefined, run: Run): Value {
  if (builtin === undefined) return CHOICES.missingPredicate === "always";
  return findFunction(builtin)?.run([error], run.host) ?? false;
}

export const retryDecide: Handler<"retry-decide"> = (run, thread, frame, { retry, answer, body, step }) => {
  const { raised, delaySeconds } = handlingOf(frame);
  // Choice: predicateError.
  const again =
    answer === undefined ? decide(raised.value, retry.builtin, run) : evaluate(answer, frame, run.host);
  if (typeof again !== "boolean")
    throw runtimeError("TypeError", `a retry predicate must return a bool; got: ${typeWord(again)}`);
  if (!again) {
    frame.pc++;
    return;
  }
  countStep(run);
  recordWay(run, step, "retry");
  const request = { kind: "sleep", dueMs: run.nowMs + delaySeconds * 1000, reason: "retry" } as const;
  issue(run, thread, request, { kind: "retry", body: body.pc }, undefined);
};

/** The delay of a retry is over: the try is open again, with one more attempt behind it. */
export function retryNow(frame: Frame, body: number): void {
  const { handler, attempts } = handlingOf(frame);
  frame.tries[frame.tries.length - 1] = { kind: "try", handler, attempts: attempts + 1 };
  frame.pc = body;
}

/** Sends the handled error on to the next open try. */
export function rethrowWith(end: EndThread): Handler<"rethrow"> {
  return (run, thread, frame) => {
    const { raised } = handlingOf(frame);
    frame.tries.pop();
    sendError(run, thread, raised, end);
  };
}

export const endExcept: Handler<"except-end"> = (run, _, frame, { to, leaving }) => {
  clearSlots(run, frame, leaving.slots);
  frame.tries.pop();
  frame.pc = to.pc;
};
