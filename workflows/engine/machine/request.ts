// What leaves the machine and what comes back: plain JSON, so that journals and drivers need no knowledge of values.

/** Bytes or text of a body; text travels as it is, bytes as base64. */
export interface Body {
  readonly encoding: "utf8" | "base64";
  readonly data: string;
}

/** Who a request says it is; the driver mints the token. */
export interface Auth {
  readonly type: "OIDC" | "OAuth2";
  readonly audience?: string;
  readonly scopes?: readonly string[];
}

/** An HTTP request; connectors make these too and name themselves in `connector`. */
export interface HttpRequest {
  readonly kind: "http";
  readonly method: string;
  /** The whole URL with its query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body;
  readonly auth?: Auth;
  readonly timeoutSeconds: number;
  readonly privateServiceName?: string;
  readonly caCertificate?: string;
  readonly connector?: string;
}

/** A connector that the table does not know, for a driver that stands in for it; `args` is JSON text of a map. */
export interface ConnectorRequest {
  readonly kind: "connector";
  readonly name: string;
  readonly args: string;
}

/** A durable timer; `dueMs` is epoch milliseconds and stays the same after a restart. */
export interface SleepRequest {
  readonly kind: "sleep";
  readonly dueMs: number;
  readonly reason: "sleep" | "retry" | "poll";
}

/** A line of log; `payload` is text or JSON. */
export interface LogRequest {
  readonly kind: "log";
  readonly severity: string;
  readonly format: "text" | "json";
  readonly payload: string;
}

/** A reading of the clock. */
export interface NowRequest {
  readonly kind: "now";
}

/** A wait for a request to a callback endpoint, at most until `dueMs`. */
export interface CallbackRequest {
  readonly kind: "callback";
  readonly callback: string;
  readonly url: string;
  readonly dueMs: number;
}

/** What a step asks of the world. */
export type RequestBody =
  | HttpRequest
  | ConnectorRequest
  | SleepRequest
  | LogRequest
  | NowRequest
  | CallbackRequest;

/** A request with its stable id (`thread/number`) and the step that makes it. */
export type EffectRequest = RequestBody & {
  readonly id: string;
  readonly routine: string;
  readonly step: string;
  readonly line: number;
};

/** Why a request got no response. A response that is too large ends the execution; nothing catches it. */
export type FailureTag =
  | "ConnectionError"
  | "ConnectionFailedError"
  | "TimeoutError"
  | "AuthError"
  | "SystemError"
  | "ValueError"
  | "ResultSizeLimitExceededError";

/** What a driver answers. */
export type EffectResult =
  | {
      readonly kind: "http";
      readonly status: number;
      readonly headers: Readonly<Record<string, string | readonly string[]>>;
      readonly body?: Body;
    }
  | { readonly kind: "failure"; readonly tag: FailureTag; readonly message: string }
  /** An error as it is raised: JSON text of any value, for connectors whose errors have shapes of their own. */
  | { readonly kind: "raised"; readonly value: string }
  | { readonly kind: "now"; readonly seconds: number }
  | { readonly kind: "done" };

/** A request that came to a callback endpoint. */
export interface CallbackHttpRequest {
  readonly method: string;
  readonly url: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Body;
}

/** A JSON response, for drivers and tests. */
export function jsonResponse(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): EffectResult {
  const data = JSON.stringify(body) ?? "null";
  return {
    kind: "http",
    status,
    headers: { "Content-Type": "application/json", ...headers },
    body: { encoding: "utf8", data },
  };
}

/** A text response, for drivers and tests. */
export function textResponse(
  status: number,
  data: string,
  headers: Record<string, string> = {},
): EffectResult {
  return {
    kind: "http",
    status,
    headers: { "Content-Type": "text/plain", ...headers },
    body: { encoding: "utf8", data },
  };
}

/** What a driver without a stand-in answers to a connector that the table does not know: why, and how to go on. */
export function unknownConnector({ name }: ConnectorRequest): EffectResult {
  return failure(
    "SystemError",
    `unknown connector ${name}: answer it in a case (call: ${name}), call its REST API with http.request, ` +
      "or add a line for it to workflows/engine/connectors/table.ts",
  );
}

/** A request that failed without a response. */
export function failure(tag: FailureTag, message: string): EffectResult {
  return { kind: "failure", tag, message };
}
