// What the functions with effects ask for. Each answers a value at once, or a request and what to do with its result.
import { createHash } from "node:crypto";
import { parseTime } from "../library/time.ts";
import { asMap, asNumeric, asString } from "../library/library-function.ts";
import { CALLBACK_TIMEOUT_SECONDS_DEFAULT, SLEEP_SECONDS_MAX } from "../limits.ts";
import { encodeJson } from "../values/json.ts";
import { isBytes, isMap, mapOf, type Value } from "../values/value.ts";
import { runtimeError } from "../values/workflow-error.ts";
import { beginConnector } from "../connectors/begin.ts";
import { callbackValue, httpRequest } from "./http.ts";
import { nextNumber } from "./issue.ts";
import type { RequestBody } from "./request.ts";
import { countExternal, type Run } from "./run.ts";
import type { Continuation, Thread } from "./state.ts";

/** A value at once, or a request with what happens then. */
export type Begun =
  | { readonly value: Value }
  | { readonly request: RequestBody; readonly after: Continuation };

type Args = ReadonlyMap<string, Value>;

const SEVERITIES = new Set([
  "DEFAULT",
  "DEBUG",
  "INFO",
  "NOTICE",
  "WARNING",
  "ERROR",
  "CRITICAL",
  "ALERT",
  "EMERGENCY",
]);
const CALLBACK_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);
const INTERNAL_HOST = /(?:^|\.)(?:googleapis\.com|run\.app|cloudfunctions\.net|appspot\.com|cloud\.goog)$/;

/** Starts a function with effects. @throws {WorkflowError} for arguments that it refuses. */
export function beginEffect(run: Run, thread: Thread, name: string, args: Args): Begun {
  if (/^(?:googleapis|experimental|gke)\./.test(name)) return beginConnector(run, name, args);
  switch (name) {
    case "sys.now":
      return { request: { kind: "now" }, after: { kind: "value" } };
    case "sys.sleep":
      return sleepUntil(run.nowMs + secondsOf(args.get("seconds"), "seconds", SLEEP_SECONDS_MAX) * 1000);
    case "sys.sleep_until":
      return sleepUntil(parseTime(asString(args.get("time"), "time")) * 1000);
    case "sys.log":
      return { request: logRequest(args), after: { kind: "value" } };
    case "uuid.generate":
      return { value: uuidFrom(`${run.machine.seed}/${thread.id}/${nextNumber(thread)}`) };
    case "events.create_callback_endpoint":
      return { value: createCallback(run, thread, args) };
    case "events.await_callback":
      return awaitCallback(run, args);
    default:
      return beginHttp(run, name.slice("http.".length), args);
  }
}

function beginHttp(run: Run, method: string, args: Args): Begun {
  const request = httpRequest(method === "request" ? asString(args.get("method"), "method") : method, args);
  if (!INTERNAL_HOST.test(new URL(request.url).hostname)) countExternal(run);
  return { request, after: { kind: "http" } };
}

/** Seconds in [0, max]. @throws {WorkflowError} TypeError or ValueError. */
export function secondsOf(value: Value | undefined, what: string, max: number): number {
  const seconds = Number(asNumeric(value, what));
  if (seconds >= 0 && seconds <= max) return seconds;
  throw runtimeError("ValueError", `${what} must be from 0 to ${max} seconds; got: ${seconds}`);
}

function sleepUntil(dueMs: number): Begun {
  return { request: { kind: "sleep", dueMs, reason: "sleep" }, after: { kind: "value" } };
}

/** One of data, text and json; a null is one that was not given. Maps in `data` and `json` are structured, all else is text. */
function logRequest(args: Args): RequestBody {
  const given = ["data", "text", "json"].filter((name) => (args.get(name) ?? null) !== null);
  const [name] = given;
  if (name === undefined || given.length > 1) {
    const found = given.length === 0 ? "none" : given.join(" and ");
    throw runtimeError("TypeError", `sys.log takes exactly one of data, text and json; got: ${found}`);
  }
  const severity = asString(args.get("severity") ?? "DEFAULT", "severity");
  // Choice: unknownSeverity.
  if (!SEVERITIES.has(severity))
    throw runtimeError("ValueError", `unknown severity ${JSON.stringify(severity)}`);
  const value = args.get(name) as Value;
  if (isBytes(value)) throw runtimeError("TypeError", `${name} must not be bytes; use text.decode`);
  if (name === "json") asMap(value, "json");
  const payload = typeof value === "string" ? value : encodeJson(value);
  return { kind: "log", severity, format: isMap(value) && name !== "text" ? "json" : "text", payload };
}

/** A UUID of version 4 from text: the same text gives the same id. */
export function uuidFrom(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function createCallback({ machine }: Run, thread: Thread, args: Args): Value {
  const method = asString(args.get("http_callback_method") ?? "POST", "http_callback_method");
  if (!CALLBACK_METHODS.has(method))
    throw runtimeError("ValueError", `unknown method ${JSON.stringify(method)}`);
  const id = uuidFrom(`${machine.seed}/callback/${thread.id}/${nextNumber(thread)}`);
  const url = `${machine.callbackBase}/${id}`;
  machine.callbacks.push({ id, method, url, held: undefined, consumed: false });
  return mapOf({ url });
}

function awaitCallback(run: Run, args: Args): Begun {
  const url = asMap(args.get("callback"), "callback").get("url");
  const callback = run.machine.callbacks.find((slot) => slot.url === url);
  if (callback === undefined)
    throw runtimeError(
      "ValueError",
      "callback was not created by events.create_callback_endpoint in this execution",
    );
  const seconds = secondsOf(
    args.get("timeout") ?? CALLBACK_TIMEOUT_SECONDS_DEFAULT,
    "timeout",
    SLEEP_SECONDS_MAX,
  );
  countExternal(run);
  if (callback.held !== undefined) {
    const { request, receivedMs } = callback.held;
    callback.held = undefined;
    callback.consumed = true;
    return { value: callbackValue(request, receivedMs) };
  }
  const request = {
    kind: "callback",
    callback: callback.id,
    url: callback.url,
    dueMs: run.nowMs + seconds * 1000,
  } as const;
  return { request, after: { kind: "value" } };
}
