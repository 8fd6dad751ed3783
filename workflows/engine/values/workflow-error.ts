// Errors of the language are values. This class only carries one through JavaScript to the machine.
import { mapOf, type Value } from "./value.ts";

/** An error that a workflow can catch; `fatal` ones (resource limits) end the execution at once. */
export class WorkflowError extends Error {
  readonly value: Value;
  readonly fatal: boolean;

  constructor(value: Value, text: string, fatal = false) {
    super(text);
    this.name = "WorkflowError";
    this.value = value;
    this.fatal = fatal;
  }
}

/** The tags that the runtime raises, in the shape and order that production uses. */
export type ErrorTag =
  | "AuthError"
  | "ConnectionError"
  | "FailedJobError"
  | "OperationError"
  | "ParallelNestingError"
  | "RecursionError"
  | "ResponseTypeError"
  | "SystemError"
  | "TimeoutError"
  | "TypeError"
  | "ValueError"
  | "ZeroDivisionError";

/** An error of the runtime: `{message: "<Tag>: <text>", tags}` without a code. */
export function runtimeError(tag: ErrorTag, text: string, extra: Record<string, Value> = {}): WorkflowError {
  return taggedError([tag], `${tag}: ${text}`, extra);
}

/** An error with several tags, whose message is given whole. */
export function taggedError(
  tags: readonly string[],
  message: string,
  extra: Record<string, Value> = {},
): WorkflowError {
  return new WorkflowError(mapOf({ message, tags, ...extra }), message);
}

/** The error of a missing map key: tags KeyError and LookupError. */
export function keyError(key: string): WorkflowError {
  return taggedError(["KeyError", "LookupError"], `KeyError: key not found: ${key}`);
}

/** A limit was passed: nothing catches it and the execution ends. */
export function limitError(
  message: string,
  variant?: "MemoryLimitExceededError" | "ResultSizeLimitExceededError",
): WorkflowError {
  const tags = variant === undefined ? ["ResourceLimitError"] : [variant, "ResourceLimitError"];
  return new WorkflowError(
    mapOf({ message: `ResourceLimitError: ${message}`, tags }),
    `ResourceLimitError: ${message}`,
    true,
  );
}
