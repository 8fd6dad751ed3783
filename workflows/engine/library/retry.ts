// Retry policies and predicates. 500 is never retried; the non-idempotent policy only retries what surely did nothing.
import { isList, isMap, type Value } from "../values/value.ts";
import { pure, tableOf } from "./library-function.ts";

/** A named policy: what `retry: ${name}` means. */
export interface RetryPolicy {
  readonly predicate: string;
  readonly maxRetries: bigint;
}

/** Delays in seconds: `min(initial × multiplier^n, max)`. */
export interface Backoff {
  readonly initialDelay: number;
  readonly maxDelay: number;
  readonly multiplier: number;
}

/** `retry.default_backoff`, also that of the named policies. */
export const DEFAULT_BACKOFF: Backoff = { initialDelay: 1, maxDelay: 60, multiplier: 1.25 };

const DEFAULT_MAX_RETRIES = 5n;

/** The names that stand for a policy or a backoff; they are no values. */
export const RETRY_POLICIES: ReadonlyMap<string, RetryPolicy | Backoff> = new Map<
  string,
  RetryPolicy | Backoff
>([
  ["http.default_retry", { predicate: "http.default_retry_predicate", maxRetries: DEFAULT_MAX_RETRIES }],
  [
    "http.default_retry_non_idempotent",
    { predicate: "http.default_retry_predicate_non_idempotent", maxRetries: DEFAULT_MAX_RETRIES },
  ],
  ["retry.default_backoff", DEFAULT_BACKOFF],
]);

const IDEMPOTENT_CODES = [429n, 502n, 503n, 504n];
const NON_IDEMPOTENT_CODES = [429n, 503n];

/** Whether an error is transient, for requests that are safe to repeat or not. */
export function isTransient(error: Value, idempotent: boolean): boolean {
  if (!isMap(error)) return false;
  const tags = error.get("tags");
  const has = (tag: string): boolean => isList(tags) && tags.includes(tag);
  if (has("ConnectionFailedError")) return true;
  if (idempotent && (has("ConnectionError") || has("TimeoutError"))) return true;
  const code = error.get("code");
  return typeof code === "bigint" && (idempotent ? IDEMPOTENT_CODES : NON_IDEMPOTENT_CODES).includes(code);
}

/** The predicates as functions. */
export const RETRY_FUNCTIONS = tableOf([
  pure("http.default_retry_predicate", "exception", ([error]) => isTransient(error as Value, true)),
  pure("http.default_retry_predicate_non_idempotent", "exception", ([error]) =>
    isTransient(error as Value, false),
  ),
  pure("retry.always", "exception", () => true),
  pure("retry.never", "exception", () => false),
]);
