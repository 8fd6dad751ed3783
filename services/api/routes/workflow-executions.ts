// The Workflows and Workflow Executions API, with the paths and words of Google's, so that stock clients work here.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { ControlPlaneError, notFound } from "../../../shared/domain/errors.ts";
import { HttpError } from "../../../shared/runtime/errors.ts";
import { createPageTokens } from "../../../shared/runtime/page-token.ts";
import type { TextSigner } from "../../../shared/runtime/signed-text.ts";
import {
  createWorkflowOperations,
  type View,
  type WorkflowExecutionPorts,
} from "../workflow-executions/operations.ts";
import { errorResponses, pageArguments, pageOf, Resource } from "./schemas.ts";

const Id = Type.String({ pattern: "^[A-Za-z0-9_.:-]{1,150}$" });
const parent = { project: Id, location: Id, workflow: Type.String({ pattern: "^[A-Za-z0-9_-]{1,64}$" }) };
const execution = { ...parent, execution: Type.String({ pattern: "^[A-Za-z0-9_-]{1,150}$" }) };
const url = "/v1/projects/:project/locations/:location/workflows/:workflow";
const one = `${url}/executions/:execution(^[A-Za-z0-9_-]+)`;

/** How Google's REST clients ask for enums as numbers; answers hold names, which they read as well. */
const alt = { $alt: Type.Optional(Type.String()), alt: Type.Optional(Type.String()) };
const view = Type.Optional(Type.String());
const strict = { additionalProperties: false };

/** Names of call log levels by their number in the API. */
const LOG_LEVELS = ["", "LOG_ALL_CALLS", "LOG_ERRORS_ONLY", "LOG_NONE"] as const;

/** Labels of one execution. */
const LABELS_MAX = 64;
/** As far as every dialect of expressions can say it: of ASCII, what a label may hold. Classes of letters are asked for in words. */
const Label = Type.String({ pattern: "^[^\\u0000-,./:-^`{-\\u007f]{0,63}$" });

const NewExecution = Type.Object(
  {
    argument: Type.Optional(Type.String({ contentMediaType: "application/json" })),
    labels: Type.Optional(
      Type.Record(Type.String({ pattern: "^[a-z][a-z0-9_-]{0,62}$" }), Label, {
        ...strict,
        maxProperties: LABELS_MAX,
      }),
    ),
    callLogLevel: Type.Optional(
      Type.Union(
        [...LOG_LEVELS, "CALL_LOG_LEVEL_UNSPECIFIED", 0, 1, 2, 3].map((value) => Type.Literal(value)),
      ),
    ),
    disableConcurrencyQuotaOverflowBuffering: Type.Optional(Type.Boolean()),
  },
  strict,
);

const schemas = {
  workflow: {
    params: Type.Object(parent),
    querystring: Type.Object(alt, strict),
    response: { 200: Resource, ...errorResponses },
  },
  create: {
    params: Type.Object(parent),
    querystring: Type.Object(alt, strict),
    /** Nothing means an execution without an argument. */
    body: NewExecution,
    response: { 200: Resource, ...errorResponses },
  },
  get: {
    params: Type.Object(execution),
    querystring: Type.Object({ ...alt, view }, strict),
    response: { 200: Resource, ...errorResponses },
  },
  list: {
    params: Type.Object(parent),
    querystring: Type.Object(
      {
        ...alt,
        ...pageArguments,
        view,
        filter: Type.Optional(Type.String()),
        orderBy: Type.Optional(Type.String({ maxLength: 200 })),
      },
      strict,
    ),
    response: { 200: pageOf("executions", Resource), ...errorResponses },
  },
  cancel: {
    params: Type.Object(execution),
    querystring: Type.Object(alt, strict),
    /** Clients send an empty object or nothing. */
    body: Type.Union([Type.Object({ name: Type.Optional(Type.String()) }, strict), Type.Null()]),
    response: { 200: Resource, ...errorResponses },
  },
  callbacks: {
    params: Type.Object(execution),
    querystring: Type.Object({ ...alt, ...pageArguments }, strict),
    response: { 200: pageOf("callbacks", Resource), ...errorResponses },
  },
  callback: { params: Type.Object({ ...execution, callback: Type.String() }) },
} as const;

const VIEWS: Readonly<Record<string, View>> = { BASIC: "BASIC", "1": "BASIC", FULL: "FULL", "2": "FULL" };

const logLevel = (given: string | number | undefined): string =>
  typeof given === "number"
    ? (LOG_LEVELS[given] ?? "")
    : (given ?? "").replace("CALL_LOG_LEVEL_UNSPECIFIED", "");

/** No body says as much as an empty one. */
async function emptyBody(request: { body: unknown }): Promise<void> {
  request.body ??= {};
}

type Deliver = ReturnType<typeof createWorkflowOperations>["deliver"];

interface CallbackCall {
  readonly Params: { readonly execution: string; readonly callback: string };
}

/** Answers a call to a callback endpoint: an empty body when it was taken. */
async function callBack(deliver: Deliver, request: FastifyRequest<CallbackCall>, reply: FastifyReply) {
  const { params, method, headers, url, body } = request;
  const [path = "", query = ""] = url.split("?", 2);
  const { authorization: _, cookie: __, ...shown } = headers;
  const known = Object.entries(shown).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const status = await deliver(params.execution, params.callback, {
    method,
    url: path,
    query,
    headers: Object.fromEntries(known) as Record<string, string | string[]>,
    ...(Buffer.isBuffer(body) && body.length > 0 ? { body: body.toString("base64") } : {}),
  });
  if (status === 200) return reply.code(200).send();
  if (status === 404) throw notFound(path, "The execution has ended, or it has no such callback.");
  if (status === 405)
    throw new HttpError(
      405,
      "INVALID_ARGUMENT",
      `This callback does not take ${method}.`,
      "METHOD_NOT_ALLOWED",
    );
  throw new ControlPlaneError("RESOURCE_EXHAUSTED", "A request waits at this callback already.", {
    reason: "CALLBACK_FULL",
  });
}

/** Callback endpoints: any method and media type, the body as it came. */
function callbackRoutes(deliver: Deliver): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, async (_: FastifyRequest, body: Buffer) => body);
    app.route<CallbackCall>({
      method: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
      exposeHeadRoute: false,
      url: `${one}/callbacks/:callback`,
      config: { role: "engineer" },
      schema: schemas.callback,
      handler: async (request, reply) => callBack(deliver, request, reply),
    });
  };
}

/** Routes of workflows and their executions: viewers read, engineers create, cancel and call back. */
export function workflowExecutionRoutes(
  ports: Omit<WorkflowExecutionPorts, "pageTokens"> & { readonly signer: TextSigner },
): FastifyPluginAsyncTypebox {
  const pageTokens = createPageTokens(ports.signer, ports.clock);
  const operations = createWorkflowOperations({ ...ports, pageTokens });
  const viewer = { role: "viewer" } as const;
  const engineer = { role: "engineer" } as const;
  return async (app) => {
    app.get(url, { config: viewer, schema: schemas.workflow }, async ({ params }) =>
      operations.workflow(params),
    );
    app.post(
      `${url}/executions`,
      { config: engineer, schema: schemas.create, preValidation: emptyBody },
      async ({ params, body, caller, id }) => {
        const { argument, labels, callLogLevel, disableConcurrencyQuotaOverflowBuffering } = body;
        const mayQueue = disableConcurrencyQuotaOverflowBuffering !== true;
        return operations.create(
          params,
          { argument, labels, callLogLevel: logLevel(callLogLevel), mayQueue },
          caller,
          id,
        );
      },
    );
    app.get(`${url}/executions`, { config: viewer, schema: schemas.list }, async ({ params, query }) => {
      const { pageSize, pageToken, filter = "", orderBy = "" } = query;
      const view = VIEWS[query.view ?? ""] ?? "BASIC";
      return operations.list(params, { pageSize, pageToken, view, filter, orderBy });
    });
    app.get(one, { config: viewer, schema: schemas.get }, async ({ params, query }) =>
      operations.get(params, params.execution, VIEWS[query.view ?? ""] ?? "FULL"),
    );
    app.post(`${one}::cancel`, { config: engineer, schema: schemas.cancel }, async ({ params }) =>
      operations.cancel(params, params.execution),
    );
    app.get(`${one}/callbacks`, { config: viewer, schema: schemas.callbacks }, async ({ params }) =>
      operations.callbacks(params, params.execution),
    );
    await app.register(callbackRoutes(operations.deliver));
  };
}
