// Checks of the embedded code host: what GitHub would show on the commit.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { Checks } from "../../../shared/ports/checks.ts";
import { errorResponses } from "./schemas.ts";

/** Checks of one answer. */
export const CHECKS_LISTED_MAX = 500;

const Check = Type.Object({
  name: Type.String(),
  commit: Type.String(),
  status: Type.String(),
  conclusion: Type.Optional(Type.String()),
  title: Type.String(),
  summary: Type.String(),
  detailsUrl: Type.Optional(Type.String()),
  annotations: Type.Array(Type.Object({ path: Type.String(), line: Type.Integer(), message: Type.String() })),
  updateTime: Type.String(),
});

const part = Type.String({ pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$" });
const schema = {
  params: Type.Object({ owner: part, repository: part }),
  querystring: Type.Object(
    { commit: Type.Optional(Type.String({ pattern: "^[0-9a-f]{40}([0-9a-f]{24})?$" })) },
    { additionalProperties: false },
  ),
  response: { 200: Type.Object({ checks: Type.Array(Check) }), ...errorResponses },
};

/** `GET /v1/repositories/{owner}/{repository}/checks?commit=`: newest first. */
export function checkRoutes({
  checks,
}: {
  readonly checks: Pick<Checks, "list">;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    const url = "/v1/repositories/:owner/:repository/checks";
    app.get(url, { config: { role: "viewer" }, schema }, async ({ params, query }) => {
      const found = await checks.list(`${params.owner}/${params.repository}`, query.commit);
      const newest = found.toSorted((one, other) => (one.updatedAt < other.updatedAt ? 1 : -1));
      return {
        checks: newest
          .slice(0, CHECKS_LISTED_MAX)
          .map(({ id: _id, repository: _repository, updatedAt, annotations, ...check }) => ({
            ...check,
            annotations: [...annotations],
            updateTime: updatedAt,
          })),
      };
    });
  };
}
