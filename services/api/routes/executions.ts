// Executions of the shipped workflows, as they stand.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { notFound } from "../../../shared/domain/errors.ts";
import type { Executions } from "../../../shared/ports/executions.ts";
import { errorResponses, Resource } from "./schemas.ts";

const schema = {
  params: Type.Object({ execution: Type.String({ pattern: "^[A-Za-z0-9_-]{1,150}$" }) }),
  response: { 200: Resource, ...errorResponses },
};

/** `GET /v1/executions/{execution}`. */
export function executionRoutes({
  executions,
}: {
  readonly executions: Pick<Executions, "get">;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get("/v1/executions/:execution", { config: { role: "viewer" }, schema }, async ({ params }) => {
      const name = `executions/${params.execution}`;
      const execution = await executions.get(params.execution);
      if (execution === undefined)
        throw notFound(name, "The rollout or run that it belongs to names its execution.");
      const { id: _, ...rest } = execution;
      return { name, ...rest };
    });
  };
}
