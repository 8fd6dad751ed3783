// Carries out the HTTP requests of workflow executions, as the service account that our issuer vouches for.
import {
  failure,
  type EffectRequest,
  type EffectResult,
  type HttpRequest,
} from "../../../workflows/engine/engine.ts";

/** Longest response that is read: Cloud Workflows refuses more than 2 MB. */
export const RESPONSE_BYTES_MAX = 2_000_000;

/** What the requests need. */
export interface HttpOptions {
  /** A token for calls to `audience`. */
  readonly mint: (audience: string) => Promise<string>;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** Codes of Node and undici that say that no connection came to be: the request has not reached anyone. */
const NOT_CONNECTED = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = typeof cause === "object" && cause !== null ? Reflect.get(cause, "code") : undefined;
  return typeof code === "string" ? code : "";
}

function asFailure(error: unknown, { url, timeoutSeconds }: HttpRequest): EffectResult {
  if (error instanceof Error && error.name === "TimeoutError") {
    return failure("TimeoutError", `${url} did not answer within ${timeoutSeconds} seconds`);
  }
  const code = codeOf(error);
  // fetch says only that it failed; why stands in the cause.
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  const why = code === "" ? cause : code;
  const message = `${url}: ${error instanceof Error ? error.message : String(error)}${why === "" ? "" : ` (${why})`}`;
  return failure(NOT_CONNECTED.has(code) ? "ConnectionFailedError" : "ConnectionError", message);
}

/** The headers with a token. A token for one origin never goes to another. */
async function authorized(
  request: HttpRequest,
  mint: HttpOptions["mint"],
): Promise<Record<string, string> | EffectResult> {
  const { auth, url, headers } = request;
  if (auth === undefined) return { ...headers };
  const audience = auth.audience ?? new URL(url).origin;
  if (auth.type !== "OIDC" || new URL(audience).origin !== new URL(url).origin) {
    return failure("AuthError", `No token of type ${auth.type} for ${audience} can be sent to ${url}`);
  }
  try {
    return { ...headers, authorization: `Bearer ${await mint(audience)}` };
  } catch (error) {
    return failure(
      "AuthError",
      `No token for ${audience}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const isResult = (value: Record<string, string> | EffectResult): value is EffectResult =>
  value["kind"] === "failure" && "tag" in value;

const TEXT = /^(text\/|application\/([\w.-]+\+)?json|application\/x-www-form-urlencoded)/i;

/** At most `RESPONSE_BYTES_MAX` bytes of a body, or undefined when there are more. */
async function bytesOf(response: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    const bytes: Uint8Array = chunk;
    length += bytes.byteLength;
    if (length > RESPONSE_BYTES_MAX) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function resultOf(response: Response, { url }: HttpRequest): Promise<EffectResult> {
  const bytes = await bytesOf(response);
  if (bytes === undefined)
    return failure("ConnectionError", `${url} answered more than ${RESPONSE_BYTES_MAX} bytes`);
  const text = TEXT.test(response.headers.get("content-type") ?? "");
  const encoding = text ? "utf8" : "base64";
  const headers = Object.fromEntries(response.headers);
  const answer = { kind: "http", status: response.status, headers } as const;
  return bytes.length === 0 ? answer : { ...answer, body: { encoding, data: bytes.toString(encoding) } };
}

/** Performs one HTTP request. A network error is an answer, never a throw; a stop of the process rejects with its reason. */
export async function performHttp(
  { mint, fetch }: HttpOptions,
  request: EffectRequest & HttpRequest,
  signal: AbortSignal,
): Promise<EffectResult> {
  const headers = await authorized(request, mint);
  if (isResult(headers)) return headers;
  const { method, url, body, timeoutSeconds } = request;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutSeconds * 1_000))]);
  try {
    const content = body === undefined ? {} : { body: Buffer.from(body.data, body.encoding) };
    const response = await fetch(url, { method, headers, signal: deadline, ...content });
    return await resultOf(response, request);
  } catch (error) {
    if (signal.aborted) throw error;
    return asFailure(deadline.aborted ? deadline.reason : error, request);
  }
}
