// One request through the gateway: bodies stream both ways at the pace of the slower side.
import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { errors, type Dispatcher } from "undici";
import { REASON_HEADER, requestHeaders, responseHeaders, VERSION_HEADER } from "./gateway-headers.ts";

/** Bytes of a request's body. */
export const REQUEST_BODY_BYTES_MAX = 64 * 1024 * 1024;

/** How often a safe request without a body is sent again, to the same backend, when the connection failed before any answer. */
export const SAFE_RETRIES_MAX = 1;

/** Methods that change nothing (RFC 9110, 9.2.1); only they are sent again. A prediction by POST may have been counted or billed. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** A request on its way to a backend. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path and query as the backend sees them. */
  readonly path: string;
  readonly version: string;
}

/** An answer of the gateway's own. */
export interface Refused {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  /** The model version that would have answered, if one was chosen. */
  readonly version?: string;
}

const RETRY_AFTER_SECONDS = "1";

/** Answers with a text of the gateway's own. The rest of an unread body is read away; the connection ends after it. */
export function refuse(
  { request, response }: Pick<Exchange, "request" | "response">,
  { status, reason, message, version }: Refused,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    [REASON_HEADER]: reason,
    // What is full or starting now may not be in a moment (RFC 9110, 10.2.3).
    ...(status === 503 ? { "retry-after": RETRY_AFTER_SECONDS } : {}),
    ...(version === undefined ? {} : { [VERSION_HEADER]: version }),
    ...(request.complete ? {} : { connection: "close" }),
  });
  response.end(`${message}
`);
  request.resume();
}

/** Whether the request brings a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

class BodyTooLargeError extends Error {}

/** The request's body, apart from the connection: a backend that fails must not take the caller's connection with it. */
function bodyOf(request: IncomingMessage): Transform {
  let bytes = 0;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > REQUEST_BODY_BYTES_MAX) done(new BodyTooLargeError());
      else done(null, chunk);
    },
  });
  request.once("close", () => {
    if (!request.complete) body.destroy(new Error("The caller went away in the middle of its body."));
  });
  // undici reports the failure of a body through its handler; without a listener the event would end the process.
  body.on("error", () => undefined);
  return request.pipe(body);
}

interface Failure extends Refused {
  /** Whether the backend is to blame. */
  readonly error: boolean;
}

function failureOf(error: unknown): Failure {
  if (error instanceof BodyTooLargeError) {
    const message = `The body is larger than ${REQUEST_BODY_BYTES_MAX} bytes: send less at once.`;
    return { status: 413, reason: "too-large", message, error: false };
  }
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError) {
    return {
      status: 400,
      reason: "not-forwarded",
      message: "The request has a path or header that cannot be forwarded.",
      error: false,
    };
  }
  const slow = error instanceof errors.HeadersTimeoutError;
  const message = slow
    ? "The model server did not answer in time."
    : "The model server could not be reached.";
  return { status: slow ? 504 : 503, reason: "backend-unavailable", message, error: true };
}

/**
 * Sends the request to the backend and its response to the caller. `ended` is called once, when the response is closed, and
 * says whether the backend failed: a 5xx, a connection failure, or a response that broke off. A caller who goes away is no
 * failure of the backend.
 */
export function forward(pool: Dispatcher, exchange: Exchange, ended: (error: boolean) => void): void {
  const { request, response, path, version } = exchange;
  const withBody = hasBody(request);
  const headers = requestHeaders(request.headers, request.socket.remoteAddress ?? "unknown", withBody);
  const body = withBody ? bodyOf(request) : null;
  const method = request.method ?? "GET";
  let retries = !withBody && SAFE_METHODS.has(method) ? SAFE_RETRIES_MAX : 0;
  let running: Dispatcher.DispatchController | undefined;
  let failed = false;
  let closed = false;

  response.on("drain", () => running?.resume());
  response.once("close", () => {
    closed = true;
    if (!response.writableFinished) running?.abort(new Error("The caller went away."));
    ended(failed);
  });

  function fail(error: unknown): void {
    if (closed || (request.destroyed && !request.complete)) return void response.destroy();
    if (!response.headersSent && retries > 0) {
      retries -= 1;
      return send();
    }
    const failure = failureOf(error);
    failed = failure.error;
    if (response.headersSent) return void response.destroy();
    return refuse(exchange, { ...failure, version });
  }

  function send(): void {
    pool.dispatch(
      { path, method, headers, body },
      {
        onRequestStart(controller) {
          running = controller;
          if (closed) controller.abort(new Error("The caller went away."));
        },
        onResponseStart(_controller, status, fields) {
          if (status < 200) return;
          failed = status >= 500;
          response.writeHead(status, responseHeaders(fields, version));
          // A response without a length may pause before its first piece; its head is sent at once.
          if (fields["content-length"] === undefined) response.flushHeaders();
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd: () => void response.end(),
        onResponseError: (_controller, error) => fail(error),
      },
    );
  }
  send();
}
