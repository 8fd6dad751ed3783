// Custom methods of endpoints. `:rollback` comes from its own module, which imports neither ledger nor bus.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { invalidArgument } from "../../../shared/domain/errors.ts";
import { formatName } from "../../../shared/domain/names.ts";
import { type CounterPorts, readCounters } from "../endpoints/counters.ts";
import { rollbackRoutes } from "../endpoints/rollback.ts";
import { resume, type ResumePorts } from "../endpoints/resume.ts";
import { resolveServing, type ServingPorts } from "../endpoints/serving.ts";
import { portsFor } from "../../../shared/runtime/rehearse.ts";
import { methodUrl } from "../resource-reads.ts";
import { operationRoutes } from "./operations.ts";
import { errorResponses, nameParams, Time, ValidateOnly } from "./schemas.ts";
import type { RollbackPorts } from "../../../shared/runtime/rollback.ts";

/** Ports of the endpoint routes. */
export type EndpointPorts = RollbackPorts & ResumePorts & ServingPorts & CounterPorts;

const params = nameParams("endpoint");

const resumeSchema = {
  params,
  body: Type.Object(
    {
      reason: Type.String({ minLength: 1, maxLength: 500 }),
      requestId: Type.Optional(Type.String({ maxLength: 100 })),
      validateOnly: ValidateOnly,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({ name: Type.String(), resumed: Type.Boolean(), recorded: Type.Boolean() }),
    ...errorResponses,
  },
};

const servingSchema = {
  params,
  querystring: Type.Object({ at: Type.Optional(Time) }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      endpoint: Type.String(),
      at: Type.String(),
      epoch: Type.Integer(),
      versions: Type.Array(Type.Object({ modelVersion: Type.String(), percent: Type.Number() })),
      startTime: Type.String(),
      endTime: Type.Union([Type.String(), Type.Null()]),
      certain: Type.Boolean(),
    }),
    ...errorResponses,
  },
};

const countersSchema = {
  params,
  querystring: Type.Object(
    { from: Type.Optional(Time), to: Type.Optional(Time) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      endpoint: Type.String(),
      from: Type.String(),
      to: Type.String(),
      samples: Type.Array(
        Type.Object({
          time: Type.String(),
          version: Type.String(),
          instance: Type.String(),
          requests: Type.Number(),
          errors: Type.Number(),
        }),
      ),
      moves: Type.Array(
        Type.Object({ time: Type.String(), weights: Type.Record(Type.String(), Type.Number()) }),
      ),
    }),
    ...errorResponses,
  },
};

/** A moment that exists: the schema would also take the 99th of a month. */
function requireTime(field: string, at: string | undefined): string | undefined {
  if (at === undefined) return undefined;
  if (!Number.isNaN(Date.parse(at))) return new Date(at).toISOString();
  throw invalidArgument(
    field,
    `${field} is ${JSON.stringify(at)}: write it in RFC 3339, such as 2026-01-31T10:42:00Z.`,
    "INVALID_TIME",
  );
}

/** `:rollback`, `:resume`, `:resolveServing` and `:readCounters` of endpoints. */
export function endpointRoutes(ports: EndpointPorts): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(rollbackRoutes(ports));
    await app.register(operationRoutes(ports));
    app.post(
      methodUrl("endpoint", "resume"),
      { config: { role: "operator" }, schema: resumeSchema },
      async (request) =>
        resume(portsFor(ports, request.body.validateOnly), formatName("endpoint", request.params), {
          reason: request.body.reason,
          actor: request.caller.principal,
        }),
    );
    app.get(
      methodUrl("endpoint", "resolveServing"),
      { config: { role: "viewer" }, schema: servingSchema },
      async (request) => {
        const serving = await resolveServing(
          ports,
          formatName("endpoint", request.params),
          requireTime("at", request.query.at),
        );
        return { ...serving, versions: [...serving.versions] };
      },
    );
    app.get(
      methodUrl("endpoint", "readCounters"),
      { config: { role: "viewer" }, schema: countersSchema },
      async ({ params, query }) => {
        const range = { from: requireTime("from", query.from), to: requireTime("to", query.to) };
        const { samples, moves, ...rest } = await readCounters(ports, formatName("endpoint", params), range);
        return { ...rest, samples: [...samples], moves: [...moves] };
      },
    );
  };
}
