// Every HTTP door of ours: one way to read, to refuse, to let in, and to end.
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { ControlPlaneError, ERROR_CODES, type ErrorCode } from "../domain/errors.ts";
import { parseStrictJson } from "../domain/strict-json.ts";
import type { Clock } from "../ports/clock.ts";
import { createRouteTable, type RouteTable } from "./allowed-methods.ts";
import type { RouteRole } from "./authenticate.ts";
import { boundConnections } from "./connections.ts";
import { drainOnClose } from "./drain.ts";
import { type Audience, errorAnswer, HttpError, toControlPlaneError } from "./errors.ts";
import { letIn, takePlace } from "./gate.ts";
import { requireHost } from "./host-check.ts";
import type { Identity, Principal } from "./identity.ts";
import type { Log } from "./log.ts";
import type { Tls } from "./tls.ts";
import { tellRequests } from "./request-spans.ts";
import { readyToAnswer, ROUTE_SCHEMAS } from "./route-schemas.ts";
import { answerBrokenRequest } from "./server-broken-request.ts";
import type { Sessions } from "./sessions.ts";
import { createShedding, isShed, type Lane } from "./shedding.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who asks. Reading it on a public route is a defect. */
    readonly caller: Principal;
  }
  interface FastifyContextConfig {
    /** The role that the route needs. Every route says one. */
    readonly role?: RouteRole;
    /** Whose places it takes; `ordinary` unless it says otherwise. */
    readonly lane?: Lane;
  }
}

/** A whole request, headers and body, must be here by then. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** The headers of a request must be here by then. */
export const HEADERS_TIMEOUT_MS = 5_000;
/** How often Node looks for requests that are too slow. */
const CONNECTIONS_CHECK_MS = 1_000;
/** An idle connection is kept this long; longer than common load balancers' probes, shorter than their own time-outs. */
const KEEP_ALIVE_MS = 65_000;
/** A connection on which nothing moves for this long is closed, also one whose other side does not read its answer. */
export const SILENCE_MS = 120_000;
/** Headers of one request; browsers and code hosts send about twenty. */
export const HEADERS_MAX = 100;
/** Bytes of a body, unless a route says otherwise. */
export const BODY_BYTES_MAX = 1_000_000;
/** Characters of one path parameter; no id of ours is longer. */
const PARAMETER_CHARACTERS_MAX = 200;

/** Characters of a path that a log line repeats. */
const PATH_LOGGED_CHARACTERS_MAX = 200;

/** What a server needs. */
export interface ServerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Who may come in. Without it only public routes can be used. */
  readonly identity?: Identity;
  /** Sessions of the page, where the page is served. */
  readonly sessions?: Sessions;
  /** Host names besides loopback, without port; asked at every request, because a new certificate may bring others. */
  readonly hosts?: () => readonly string[];
  /** Serves over TLS instead of in the open. */
  readonly tls?: Tls;
  /** How long `close()` waits for answers under way before it cuts them off. */
  readonly drainMs?: number;
}

const JSON_CONTENT = /^application\/(?:[\w.-]+\+)?json(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

/** A body as JSON, read strictly; other character sets than UTF-8 are refused. */
export async function readJsonBody(request: FastifyRequest, body: Buffer): Promise<unknown> {
  if (!JSON_CONTENT.test(request.headers["content-type"] ?? "")) {
    throw new HttpError(
      415,
      "INVALID_ARGUMENT",
      "The body must be JSON in UTF-8: send content-type application/json.",
      "UNSUPPORTED_MEDIA_TYPE",
    );
  }
  return parseStrictJson(body);
}

function protect(reply: FastifyReply, requestId: string): void {
  reply.headers({
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-request-id": requestId,
  });
}

const pathOf = (request: FastifyRequest): string => request.url.split("?", 1)[0] ?? "";

function tell(log: Log, request: FastifyRequest, error: ControlPlaneError): void {
  if (isShed(error)) return;
  const fields = {
    request: request.id,
    method: request.method,
    // Without the query: a sign-in code may be in it.
    path: pathOf(request).slice(0, PATH_LOGGED_CHARACTERS_MAX),
    code: error.code,
    reason: error.reason,
  };
  const { severity } = ERROR_CODES[error.code satisfies ErrorCode];
  if (severity === "error")
    log.error({ ...fields, error: error.cause ?? error }, "A request failed for a reason of ours.");
  else if (severity === "warn") log.warn(fields, error.message);
}

function refuse(reply: FastifyReply, requestId: string, error: unknown, audience: Audience): FastifyReply {
  const { status, headers, body } = errorAnswer(error, requestId, audience);
  return reply.code(status).headers(headers).type("application/json; charset=utf-8").send(body);
}

function refuseUnknown(routes: RouteTable, request: FastifyRequest): never {
  const methods = routes.methods(pathOf(request));
  if (methods.length > 0) {
    const allow = methods.join(", ");
    throw new HttpError(
      405,
      "INVALID_ARGUMENT",
      `${request.method} is not a method of this path: use ${allow}.`,
      "METHOD_NOT_ALLOWED",
      { allow },
    );
  }
  throw new HttpError(
    404,
    "NOT_FOUND",
    "Nothing is served at this path: the page is at /, the API under /v1, such as /v1/stacks.",
    "UNKNOWN_PATH",
  );
}

function requireFewHeaders({ raw }: FastifyRequest): void {
  if (raw.rawHeaders.length / 2 <= HEADERS_MAX) return;
  throw new HttpError(
    431,
    "INVALID_ARGUMENT",
    `The request has more than ${HEADERS_MAX} headers: send fewer.`,
    "TOO_MANY_HEADERS",
    { connection: "close" },
  );
}

function requirePlainEncoding({ headers }: FastifyRequest): void {
  if ((headers["content-encoding"] ?? "identity") === "identity") return;
  throw new HttpError(
    415,
    "INVALID_ARGUMENT",
    "Compressed bodies are not taken: send the body as it is.",
    "UNSUPPORTED_ENCODING",
  );
}

function createBareServer({ clock, tls }: ServerOptions) {
  const started = clock.now().getTime().toString(36);
  let requests = 0;
  const http = { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CONNECTIONS_CHECK_MS };
  return Fastify({
    bodyLimit: BODY_BYTES_MAX,
    connectionTimeout: SILENCE_MS,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      protect(reply, request.id);
      void refuse(reply, request.id, error, "anyone");
    },
    genReqId: () => `${started}-${(requests += 1)}`,
    http,
    ...(tls === undefined ? {} : { https: { ...tls.options(), ...http } }),
    keepAliveTimeout: KEEP_ALIVE_MS,
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    schemaController: ROUTE_SCHEMAS,
  }).withTypeProvider<TypeBoxTypeProvider>();
}

/** A server with no routes yet. Every route that is added must name its role in `config.role`, or adding it throws. */
export function createServer(options: ServerOptions) {
  const { identity = NOBODY, sessions, log } = options;
  const { hosts = () => [] } = options;
  const callers = new WeakMap<FastifyRequest, Principal>();
  const routes = createRouteTable();
  const app = createBareServer(options);
  options.tls?.attach(app.server);
  const gate = { identity, sessions, shedding: createShedding(options) };
  boundConnections(app.server);

  app.decorateRequest("caller", {
    getter(this: FastifyRequest) {
      const caller = callers.get(this);
      if (caller === undefined)
        throw new ControlPlaneError("INTERNAL", "A public route asked who calls.", { reason: "NO_CALLER" });
      return caller;
    },
  });
  app.addHook("onRoute", ({ method, url, config }) => {
    if (config?.role === undefined)
      throw new Error(`The route ${String(method)} ${url} names no role: add config.role.`);
    for (const each of [method].flat()) routes.add(each, url);
  });
  app.addHook("onRequest", async (request, reply) => {
    protect(reply, request.id);
    // First of all, because a refusal is an answer too.
    await readyToAnswer(request);
    requireFewHeaders(request);
    requireHost(request.raw.rawHeaders, hosts());
    const caller = await letIn(gate, request);
    // Before anything of the request is read: some methods would be refused for what they lack, not for being unknown.
    if (request.is404) return refuseUnknown(routes, request);
    if (caller !== undefined) callers.set(request, caller);
    takePlace(gate.shedding, request, reply, caller);
    requirePlainEncoding(request);
  });
  tellRequests(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>("application/json", { parseAs: "buffer" }, readJsonBody);
  app.setErrorHandler((error, request, reply) => {
    tell(log, request, toControlPlaneError(error));
    return refuse(reply, request.id, error, callers.has(request) ? "caller" : "anyone");
  });
  app.setNotFoundHandler((request) => refuseUnknown(routes, request));
  drainOnClose(app, options.drainMs);
  return app;
}

const NOBODY: Identity = { authenticate: async () => undefined, find: async () => undefined };

/** A server as `createServer` makes it; services add their routes to it as plugins. */
export type Server = ReturnType<typeof createServer>;
