// HTTP: arguments into a request, a response into a value. Drivers only carry bytes.
import { CHOICES } from "../choices.ts";
import { decodeUtf8 } from "../library/charsets.ts";
import { asMap, asString } from "../library/library-function.ts";
import { formatTime } from "../library/time.ts";
import { HTTP_TIMEOUT_SECONDS_DEFAULT, HTTP_TIMEOUT_SECONDS_MAX, RESPONSE_BYTES_MAX } from "../limits.ts";
import { decodeJson, encodeJson } from "../values/json.ts";
import { isBytes, isList, isMap, mapOf, typeWord, type Value } from "../values/value.ts";
import { limitError, runtimeError, taggedError, WorkflowError } from "../values/workflow-error.ts";
import type { Auth, Body, CallbackHttpRequest, EffectResult, HttpRequest } from "./request.ts";

type Args = ReadonlyMap<string, Value>;

/** A token of RFC 9110. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
/** What would end a header line, or the string. */
const HEADER_BREAKS = /[\r\n\0]/;

const USER_AGENT = "GoogleCloudWorkflows; (+https://cloud.google.com/workflows/docs)";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);

/** Builds a request from the arguments of `http.*`. @throws {WorkflowError} TypeError or ValueError. */
export function httpRequest(method: string, args: Args): HttpRequest {
  const verb = method.toUpperCase();
  if (!METHODS.has(verb)) throw runtimeError("ValueError", `unknown HTTP method ${JSON.stringify(method)}`);
  const url = withQuery(asString(args.get("url"), "url"), args.get("query"));
  const headers = headersOf(args.get("headers"));
  const body = encodedBody(args.get("body") ?? null, headers);
  const agent = findHeader(headers, "user-agent");
  headers[agent ?? "User-Agent"] = agent === undefined ? USER_AGENT : `${headers[agent]} ${USER_AGENT}`;
  const auth = authOf(args.get("auth"), url);
  const service = args.get("private_service_name");
  const certificate = args.get("ca_certificate");
  return {
    kind: "http",
    method: verb,
    url,
    headers,
    timeoutSeconds: timeoutOf(args.get("timeout")),
    ...(body === undefined ? {} : { body }),
    ...(auth === undefined ? {} : { auth }),
    ...(typeof service === "string" ? { privateServiceName: service } : {}),
    ...(typeof certificate === "string" ? { caCertificate: certificate } : {}),
  };
}

function timeoutOf(value: Value | undefined): number {
  if (value === undefined || value === null) return HTTP_TIMEOUT_SECONDS_DEFAULT;
  if (typeof value !== "bigint" && typeof value !== "number")
    throw runtimeError("TypeError", `timeout must be a number; got: ${typeWord(value)}`);
  const seconds = Number(value);
  if (seconds > 0 && seconds <= HTTP_TIMEOUT_SECONDS_MAX) return seconds;
  throw runtimeError(
    "ValueError",
    `timeout must be above 0 and at most ${HTTP_TIMEOUT_SECONDS_MAX} seconds; got: ${seconds}`,
  );
}

function textOfScalar(value: Value, what: string): string {
  if (value === null || typeof value === "object")
    throw runtimeError("TypeError", `${what} must be a string, number or bool; got: ${typeWord(value)}`);
  return String(value);
}

/** The URL with the pairs of a query map behind it. @throws {WorkflowError} for a URL that is not http or https. */
export function withQuery(url: string, query: Value | undefined): string {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw runtimeError("ValueError", `${JSON.stringify(url)} is no http or https URL`);
  if (query === undefined || query === null) return url;
  const pairs: string[] = [];
  for (const [key, value] of asMap(query, "query")) {
    for (const item of isList(value) ? value : [value]) {
      if (item !== null)
        pairs.push(
          `${encodeURIComponent(key)}=${encodeURIComponent(textOfScalar(item, `query.${key}`).toWellFormed())}`,
        );
    }
  }
  if (pairs.length === 0) return url;
  const [path, fragment] = url.split("#", 2) as [string, string | undefined];
  const joined = `${path}${path.includes("?") ? "&" : "?"}${pairs.join("&")}`;
  return fragment === undefined ? joined : `${joined}#${fragment}`;
}

function headersOf(value: Value | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  if (value === undefined || value === null) return headers;
  for (const [key, item] of asMap(value, "headers")) {
    const text = textOfScalar(item, `headers.${key}`);
    if (!HEADER_NAME.test(key) || HEADER_BREAKS.test(text))
      throw runtimeError("ValueError", `the header ${JSON.stringify(key)} cannot be sent`);
    headers[key] = text;
  }
  return headers;
}

function findHeader(headers: Readonly<Record<string, unknown>>, name: string): string | undefined {
  return Object.keys(headers).find((key) => key.toLowerCase() === name);
}

function utf8(data: string): Body {
  return { encoding: "utf8", data };
}

function bytesBody(data: Uint8Array): Body {
  return { encoding: "base64", data: Buffer.from(data).toString("base64") };
}

/** Encodes a body by its Content-Type, which is set where none was given. */
function encodedBody(value: Value, headers: Record<string, string>): Body | undefined {
  if (value === null) return undefined;
  const given = findHeader(headers, "content-type");
  if (given === undefined) {
    headers["Content-Type"] = isBytes(value) ? "application/octet-stream" : "application/json; charset=utf-8";
    return isBytes(value) ? bytesBody(value) : utf8(encodeJson(value));
  }
  if (isBytes(value)) return bytesBody(value);
  const type = mediaType(headers[given] as string);
  if (isJsonType(type)) return utf8(encodeJson(value));
  if (type === "application/x-www-form-urlencoded" && isMap(value)) {
    return utf8(
      [...value]
        .map(
          ([key, item]) =>
            `${encodeURIComponent(key)}=${encodeURIComponent(textOfScalar(item, `body.${key}`))}`,
        )
        .join("&"),
    );
  }
  if (typeof value === "string") return utf8(value);
  throw runtimeError(
    "TypeError",
    `a body of type ${type} must be a string or bytes; got: ${typeWord(value)}`,
  );
}

function mediaType(contentType: string): string {
  return (contentType.split(";", 1)[0] as string).trim().toLowerCase();
}

function isJsonType(type: string): boolean {
  return /^application\/(?:json|[\w.-]+\+json)$/.test(type);
}

/** `auth`: OIDC with its audience (the URL unless given), OAuth2 with scopes given as text or list. */
function authOf(value: Value | undefined, url: string): Auth | undefined {
  if (value === undefined || value === null) return undefined;
  const auth = asMap(value, "auth");
  const type = auth.get("type");
  if (type === "OIDC")
    return {
      type,
      audience: asString(auth.get("audience") ?? url.split("?", 1)[0], "auth.audience"),
    };
  if (type !== "OAuth2") throw runtimeError("ValueError", "auth.type must be OIDC or OAuth2");
  const scopes = [auth.get("scope"), auth.get("scopes")].flatMap((given) => scopesOf(given));
  return { type, scopes: scopes.length === 0 ? ["https://www.googleapis.com/auth/cloud-platform"] : scopes };
}

/** Scopes as a list, or as text separated by spaces or commas. */
export function scopesOf(value: Value | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return value.split(/[\s,]+/).filter((scope) => scope !== "");
  if (isList(value)) return value.map((scope) => asString(scope, "a scope"));
  throw runtimeError("TypeError", `scopes must be a string or an array; got: ${typeWord(value)}`);
}

/** A response as `{body, code, headers}`. @throws {WorkflowError} HttpError from 400 on; the failure's tag without a response. */
export function httpValue(result: EffectResult): Value {
  if (result.kind === "failure") throw failureError(result);
  if (result.kind === "raised") throw raisedError(result.value);
  if (result.kind !== "http")
    throw runtimeError("SystemError", `the driver answered a request with ${result.kind}`);
  const headers = canonicalHeaders(result.headers);
  const contentType = headers.get("Content-Type");
  const body = decodeBody(result.body, typeof contentType === "string" ? contentType : "");
  if (result.status < 400)
    return new Map<string, Value>([
      ["body", body],
      ["code", BigInt(result.status)],
      ["headers", headers],
    ]);
  const message = `HTTP server responded with error code ${result.status}`;
  throw new WorkflowError(
    mapOf({ body, code: BigInt(result.status), headers, message, tags: ["HttpError"] }),
    message,
  );
}

/** The body of a response, which is the whole result of a connector. */
export function bodyOf(response: Value): Value {
  return isMap(response) ? (response.get("body") ?? null) : null;
}

/** An error that a driver gives whole; its text is the message that it carries. */
function raisedError(json: string): WorkflowError {
  const value = decodeJson(json);
  const message = isMap(value) ? value.get("message") : undefined;
  return new WorkflowError(value, typeof message === "string" ? message : json);
}

/** The error of a request that got no response. */
export function failureError({ tag, message }: EffectResult & { kind: "failure" }): WorkflowError {
  if (tag === "ResultSizeLimitExceededError") return limitError(message, tag);
  const tags = tag === "ConnectionFailedError" ? CHOICES.connectionFailedTags : [tag];
  return taggedError(tags, `${tag}: ${message}`);
}

function canonicalHeaders(headers: Readonly<Record<string, string | readonly string[]>>): Map<string, Value> {
  const canonical = new Map<string, Value>();
  for (const [key, value] of Object.entries(headers)) {
    const name = key
      .toLowerCase()
      .replaceAll(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());
    const text = typeof value === "string" ? value : value.join(",");
    const before = canonical.get(name);
    canonical.set(name, typeof before === "string" ? `${before},${text}` : text);
  }
  return canonical;
}

function decodeBody(body: Body | undefined, contentType: string): Value {
  if (body === undefined) return null;
  const bytes = new Uint8Array(Buffer.from(body.data, body.encoding));
  if (bytes.length > RESPONSE_BYTES_MAX)
    throw limitError(
      `HTTP response of ${bytes.length} bytes exceeds ${RESPONSE_BYTES_MAX}`,
      "ResultSizeLimitExceededError",
    );
  if (bytes.length === 0) return null;
  const type = mediaType(contentType);
  if (!isJsonType(type)) return type.startsWith("text/") ? lenientText(bytes) : bytes;
  try {
    return decodeJson(decodeUtf8(bytes));
  } catch (error) {
    if (CHOICES.invalidJsonBody === "string" && error instanceof WorkflowError) return lenientText(bytes);
    throw error;
  }
}

function lenientText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

/** What `events.await_callback` answers. */
export function callbackValue(
  { method, url, query, headers, body }: CallbackHttpRequest,
  receivedMs: number,
): Value {
  const canonical = canonicalHeaders(headers);
  const contentType = canonical.get("Content-Type");
  const content = decodeBody(body, typeof contentType === "string" ? contentType : "");
  const http = mapOf({ body: content, headers: canonical, method, query, url });
  return mapOf({ http_request: http, received_time: formatTime(receivedMs / 1000, "UTC"), type: "HTTP" });
}
