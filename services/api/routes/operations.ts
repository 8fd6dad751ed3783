// Routes of operations: list, get, and wait.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { formatName } from "../../../shared/domain/names.ts";
import type { TrafficPorts } from "../../../shared/runtime/traffic.ts";
import { getOperation, listOperations, WAIT_SECONDS_MAX, waitForOperation } from "../endpoints/operations.ts";
import { listUrl, methodUrl, resourceUrl } from "../resource-reads.ts";
import { errorResponses, nameParams } from "./schemas.ts";

/** An operation after AIP-151. */
export const OperationResource = Type.Object({
  name: Type.String(),
  metadata: Type.Object({
    from: Type.String(),
    to: Type.String(),
    state: Type.Union([Type.Literal("WARMING"), Type.Literal("SUCCEEDED"), Type.Literal("FAILED")]),
    actor: Type.String(),
    reason: Type.String(),
    createTime: Type.String(),
    /** When the version is expected to be ready and traffic to move. */
    etaTime: Type.String(),
    endTime: Type.Optional(Type.String()),
  }),
  done: Type.Boolean(),
  response: Type.Optional(
    Type.Object({
      from: Type.String(),
      to: Type.String(),
      weights: Type.Record(Type.String(), Type.Integer()),
      epoch: Type.Integer(),
    }),
  ),
  error: Type.Optional(
    Type.Object({
      code: Type.Integer(),
      status: Type.String(),
      message: Type.String(),
      details: Type.Array(Type.Object({}, { additionalProperties: true })),
    }),
  ),
});

const params = nameParams("operation");
const listSchema = {
  params: nameParams("endpoint"),
  response: {
    200: Type.Object({ operations: Type.Array(OperationResource), nextPageToken: Type.String() }),
    ...errorResponses,
  },
};
const getSchema = { params, response: { 200: OperationResource, ...errorResponses } };
const waitSchema = {
  params,
  body: Type.Object(
    { timeoutSeconds: Type.Optional(Type.Integer({ minimum: 0, maximum: WAIT_SECONDS_MAX })) },
    { additionalProperties: false },
  ),
  response: { 200: OperationResource, ...errorResponses },
};

/** `GET …/operations`, GET of one, and `:wait`, which answers when it is done or its time is over. They need the traffic document alone. */
export function operationRoutes(ports: TrafficPorts): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { role: "viewer" } as const;
    app.get(listUrl("operation"), { config, schema: listSchema }, async (request) => {
      const operations = await listOperations(ports, formatName("endpoint", request.params));
      return { operations: [...operations], nextPageToken: "" };
    });
    app.get(resourceUrl("operation"), { config, schema: getSchema }, async (request) =>
      getOperation(ports, request.params),
    );
    app.post(methodUrl("operation", "wait"), { config, schema: waitSchema }, async (request) =>
      waitForOperation(ports, request.params, request.body.timeoutSeconds ?? WAIT_SECONDS_MAX),
    );
  };
}
