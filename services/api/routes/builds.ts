// Builds and their logs. Logs are redacted before they are kept.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { notFound } from "../../../shared/domain/errors.ts";
import type { Builds } from "../../../shared/ports/builds.ts";
import { errorResponses, Resource } from "./schemas.ts";

const params = Type.Object({ build: Type.String({ pattern: "^[a-z0-9]([-a-z0-9]{0,98}[a-z0-9])?$" }) });
const querystring = Type.Object(
  { offset: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })) },
  { additionalProperties: false },
);

const unknownBuild = (build: string) =>
  notFound(`builds/${build}`, "Look at the plan or the apply: it names its build.");

/** `GET /v1/builds/{build}`, and `/logs`: text from `offset` on; headers say where to go on and whether more will come. */
export function buildRoutes({
  builds,
}: {
  readonly builds: Pick<Builds, "status" | "logs">;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    const one = { params, response: { 200: Resource, ...errorResponses } };
    app.get("/v1/builds/:build", { config: { role: "viewer" }, schema: one }, async (request) => {
      const { build } = request.params;
      const { state, ...rest } = await builds.status(build);
      if (state === "unknown") throw unknownBuild(build);
      return { name: `builds/${build}`, state: state.toUpperCase(), ...rest };
    });
    app.get(
      "/v1/builds/:build/logs",
      { config: { role: "viewer", produces: "text/plain" }, schema: { params, querystring } },
      async (request, reply) => {
        const { build } = request.params;
        if ((await builds.status(build)).state === "unknown") throw unknownBuild(build);
        const { text, next, complete } = await builds.logs(build, request.query.offset ?? 0);
        return reply
          .headers({ "x-signalbox-next-offset": String(next), "x-signalbox-complete": String(complete) })
          .type("text/plain; charset=utf-8")
          .send(text);
      },
    );
  };
}
