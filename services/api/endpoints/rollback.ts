// The rollback door: authentication, the traffic document, a readiness probe, and nothing else. It works while the ledger,
// the bus, the workflow engine and the metrics are down; what it did is recorded afterwards.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { formatName, requireName } from "../../../shared/domain/names.ts";
import { errorResponses, nameParams, ValidateOnly } from "../routes/schemas.ts";
import { OperationResource } from "../routes/operations.ts";
import { operationOf } from "./operations.ts";
import { rehearseTraffic } from "../../../shared/runtime/rehearse-traffic.ts";
import { askRollback, type RollbackPorts } from "../../../shared/runtime/rollback.ts";

const Name = Type.String({ minLength: 1, maxLength: 300 });

const schema = {
  params: nameParams("endpoint"),
  body: Type.Object(
    {
      /** Why, for whoever reads the history. */
      reason: Type.String({ minLength: 1, maxLength: 500 }),
      /** The version to take off; send it, then pressing twice is harmless at any time. */
      from: Type.Optional(Name),
      /** The version to go back to; left out, the last good one. */
      to: Type.Optional(Name),
      requestId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      /** Moves at once, also to a version that is scaled down or does not answer. */
      force: Type.Optional(Type.Boolean()),
      validateOnly: ValidateOnly,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      from: Type.String(),
      to: Type.String(),
      /** Model version → percent. */
      weights: Type.Record(Type.String(), Type.Integer()),
      epoch: Type.Integer(),
      milliseconds: Type.Number(),
      alreadyMoved: Type.Boolean(),
      /** Somebody else had changed where requests go, in the cluster; it is put right. */
      drifted: Type.Boolean(),
    }),
    /** The version to go back to is scaled down: it is warmed, then traffic moves. */
    202: OperationResource,
    ...errorResponses,
  },
};

/** Only whole resource names: a short one could mean another team's model. */
function requireVersions({ from, to }: { from?: string; to?: string }): void {
  if (from !== undefined) requireName("modelVersion", from, "from");
  if (to !== undefined) requireName("modelVersion", to, "to");
}

/** `POST /v1/teams/{team}/endpoints/{endpoint}:rollback`. An engineer may roll an endpoint back: who sees the fault acts. */
export function rollbackRoutes(ports: RollbackPorts): FastifyPluginAsyncTypebox {
  return async (app) => {
    const url = "/v1/teams/:team/endpoints/:endpoint(^[^:/]+)::rollback";
    const config = { role: "engineer", lane: "rollback" } as const;
    app.post(url, { config, schema }, async (request, reply) => {
      requireVersions(request.body);
      const { validateOnly, ...wanted } = request.body;
      const traffic = validateOnly === true ? rehearseTraffic(ports.traffic) : ports.traffic;
      const endpoint = formatName("endpoint", request.params);
      const actor = request.caller.principal;
      const outcome = await askRollback({ ...ports, traffic }, { ...wanted, endpoint, actor });
      if (outcome.kind === "moved") return outcome.result;
      return reply.code(202).send(operationOf(endpoint, outcome.warmUp));
    });
  };
}
