// Carries out the HTTP requests of workflow executions: byte for byte what the workflow says, with redirects, limits and tokens.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Agent } from "undici";
import {
  CHOICES,
  failure,
  HTTP_RESPONSE_BYTES_MAX,
  type EffectRequest,
  type EffectResult,
  type HttpRequest,
} from "../../../workflows/engine/engine.ts";
import type { WorkflowIdentity } from "../../ports/workflow-identity.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { withToken } from "./executions-token.ts";

/** One request as it goes out, and again after each redirect. */
export interface Outgoing {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** What came back. */
export interface Incoming {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Exchanges one request for a response; `certificate` is a PEM text that is trusted instead of the usual ones. */
export type Exchange = (
  request: Outgoing,
  options: { readonly signal: AbortSignal; readonly certificate: string | undefined },
) => Promise<Incoming>;

/** What the requests need. */
export interface HttpOptions {
  readonly identity: WorkflowIdentity;
  /** Where a URL of a workflow is now; default: where it says. */
  readonly locate?: (url: string) => string;
  /** How requests leave the process; default: over the network. */
  readonly exchange?: Exchange;
}

/** How long a connection may take to come to be, in milliseconds; the answer has the request's own time limit. */
export const CONNECT_TIME_MAX_MS = 30_000;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Headers that Node sets by itself; a workflow that names them means nothing else. */
const OWN_HEADERS = new Set(["content-length", "transfer-encoding", "connection", "keep-alive", "upgrade"]);
/** Headers that must not follow a redirect to another origin. */
const SECRET_HEADERS = new Set(["authorization", "cookie", "proxy-authorization"]);

// The time limit of a request may be 30 minutes: it is kept by its own deadline, so the agent's limits of 5 minutes are off.
async function agentWith(certificate?: string): Promise<Agent> {
  const library = await import("./undici-library.ts");
  return new library.Agent({
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: CONNECT_TIME_MAX_MS, ...(certificate === undefined ? {} : { ca: certificate }) },
  });
}

const sharedAgent = openedOnce(() => agentWith());

/** Exchanges over the network; `own` answers an agent for addresses that need one of their own. */
export const createExchange =
  (own: (url: string) => Agent | undefined = () => undefined): Exchange =>
  async ({ url, method, headers, body = null }, { signal, certificate }) => {
    const kept = own(url) ?? (certificate === undefined ? await sharedAgent() : undefined);
    const dispatcher = kept ?? (await agentWith(certificate));
    const library = await import("./undici-library.ts");
    const response = await library.request(url, {
      method,
      headers,
      body,
      signal,
      dispatcher,
    });
    if (kept === undefined) response.body.once("close", () => void dispatcher.destroy());
    return response;
  };

const codeOf = (error: unknown): string => {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" ? code : "";
};

/** Whether an error says that no connection came to be: the request has not reached anyone. */
function neverConnected(error: unknown): boolean {
  const call: unknown =
    typeof error === "object" && error !== null ? Reflect.get(error, "syscall") : undefined;
  const code = codeOf(error);
  if (call === "connect" || call === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT") return true;
  if (error instanceof AggregateError) return error.errors.every(neverConnected);
  return /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code);
}

function asFailure(error: unknown, { url, timeoutSeconds }: HttpRequest): EffectResult {
  if (error instanceof Error && error.name === "TimeoutError")
    return failure("TimeoutError", `${url} did not answer within ${timeoutSeconds} seconds`);
  // Refused before it was sent: nothing would be otherwise the next time.
  if (error instanceof ControlPlaneError) return failure("ValueError", error.message);
  const code = codeOf(error);
  const text = error instanceof AggregateError ? "" : error instanceof Error ? error.message : String(error);
  const why = text === "" ? code : code === "" || text.includes(code) ? text : `${text} (${code})`;
  if (["UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"].includes(code))
    return failure("ValueError", `the request to ${url} cannot be sent: ${why}`);
  return failure(neverConnected(error) ? "ConnectionFailedError" : "ConnectionError", `${url}: ${why}`);
}

const TEXT = /^(text\/|application\/([\w.-]+\+)?json|application\/x-www-form-urlencoded)/i;

/** A body of at most HTTP_RESPONSE_BYTES_MAX bytes, or undefined when there are more. */
async function bytesOf(body: Incoming["body"]): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.byteLength;
    if (length > HTTP_RESPONSE_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function resultOf(
  { statusCode: status, headers: given, body }: Incoming,
  { url }: HttpRequest,
): Promise<EffectResult> {
  const bytes = await bytesOf(body);
  if (bytes === undefined)
    return failure(
      "ResultSizeLimitExceededError",
      `HTTP response of ${url} exceeds ${HTTP_RESPONSE_BYTES_MAX} bytes`,
    );
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(given)) if (value !== undefined) headers[name] = value;
  const type = headers["content-type"];
  const encoding = TEXT.test(typeof type === "string" ? type : "") ? "utf8" : "base64";
  const answer = { kind: "http", status, headers } as const;
  return bytes.length === 0 ? answer : { ...answer, body: { encoding, data: bytes.toString(encoding) } };
}

const without = (headers: Outgoing["headers"], names: ReadonlySet<string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase())));

/** Where a response sends the request on; undefined when it is the answer. */
function redirected(hop: Outgoing, { statusCode, headers }: Incoming): Outgoing | undefined {
  const { location } = headers;
  if (!REDIRECTS.has(statusCode) || typeof location !== "string" || !URL.canParse(location, hop.url))
    return undefined;
  const target = new URL(location, hop.url);
  if (!/^https?:$/.test(target.protocol)) return undefined;
  const sameOrigin = target.origin === new URL(hop.url).origin;
  const kept = sameOrigin ? hop.headers : without(hop.headers, SECRET_HEADERS);
  const next = { ...hop, url: target.href, headers: kept };
  const keepsBody = statusCode >= 307 || ["GET", "HEAD"].includes(hop.method);
  return keepsBody
    ? next
    : { ...next, method: "GET", body: undefined, headers: without(kept, new Set(["content-type"])) };
}

/** Sends a request and follows where it is sent on to. */
async function follow(
  first: Outgoing,
  { locate = (url) => url, exchange: send = createExchange() }: HttpOptions,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<EffectResult> {
  const { caCertificate: certificate } = request;
  let hop = first;
  for (let hops = 0; hops <= CHOICES.redirectsMax; hops++) {
    const response = await send({ ...hop, url: locate(hop.url) }, { signal, certificate });
    const next = redirected(hop, response);
    if (next === undefined) return resultOf(response, request);
    // A page behind a redirect is small or useless: it is read to its end or given up at the limit.
    await bytesOf(response.body);
    hop = next;
  }
  return failure("ConnectionError", `${request.url}: more than ${CHOICES.redirectsMax} redirects`);
}

/** Performs one HTTP request. A network error is an answer, never a throw; a stop of the process rejects with its reason. */
export async function performHttp(
  options: HttpOptions,
  request: EffectRequest & HttpRequest,
  signal: AbortSignal,
): Promise<EffectResult> {
  const { method, url, body, timeoutSeconds, privateServiceName } = request;
  if (privateServiceName !== undefined)
    return failure(
      "ConnectionFailedError",
      `${privateServiceName} is reached through Service Directory, in Google Cloud only: answer ${url} in a case`,
    );
  const ready = await withToken(options.identity, request);
  if (!("headers" in ready && !("kind" in ready))) return ready;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeoutSeconds * 1_000))]);
  const content = body === undefined ? undefined : Buffer.from(body.data, body.encoding);
  const hop = { url, method, headers: without(ready.headers, OWN_HEADERS), body: content };
  try {
    return await follow(hop, options, request, deadline);
  } catch (error) {
    if (signal.aborted) throw error;
    return asFailure(deadline.aborted ? deadline.reason : error, request);
  }
}
