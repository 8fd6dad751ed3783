// The description of the API, for people's tools and for generated clients.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { openApiDocument } from "../openapi/document.ts";
import type { DocumentedRoute } from "../openapi/operation.ts";
import { errorResponses } from "./schemas.ts";

const Document = Type.Object({ openapi: Type.String() }, { additionalProperties: true });
const schema = { response: { 200: Document, ...errorResponses } };

/** `GET /v1/openapi.json` of the routes in this table, which may grow until the server is ready. */
export function openApiRoutes(routes: readonly DocumentedRoute[]): FastifyPluginAsyncTypebox {
  return async (app) => {
    let text: string | undefined;
    app.get("/v1/openapi.json", { config: { role: "viewer" }, schema }, async (_, reply) => {
      // Written once, for the first who asks: the table of routes cannot change any more.
      text ??= JSON.stringify(openApiDocument(routes));
      return reply.type("application/json; charset=utf-8").send(text as never);
    });
  };
}
