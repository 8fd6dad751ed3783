// The API described by itself: OpenAPI 3.1 from the table of routes as it was registered.
import type { FastifyInstance, RouteOptions } from "fastify";
import { ErrorResponse } from "../routes/schemas.ts";
import { BEARER, type DocumentedRoute, ERROR_SCHEMA_REF, type Json, operationOf } from "./operation.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** What the body may be by its media type, where that is not only JSON of the route's schema. */
    readonly bodies?: Readonly<Record<string, unknown>>;
    /** Media type of the answer, where it is not JSON. */
    readonly produces?: string;
  }
}

/** Version of the interface, as in its paths. */
export const API_VERSION = "1";

const JSON_TYPE = "application/json";

function documented({ method, url, config, schema }: RouteOptions): readonly DocumentedRoute[] {
  const { role = "workflow", bodies, produces = JSON_TYPE } = config ?? {};
  // HEAD routes come with every GET and say nothing of their own.
  const methods = [method].flat().filter((each) => each !== "HEAD");
  return methods.map((each) => ({ method: each, url, role, bodies, produces, schema: schema ?? {} }));
}

/** Remembers every route that is registered below `app` from now on. */
export function collectRoutes(app: Pick<FastifyInstance, "addHook">): readonly DocumentedRoute[] {
  const routes: DocumentedRoute[] = [];
  app.addHook("onRoute", (route) => void routes.push(...documented(route)));
  return routes;
}

/** The OpenAPI document of these routes, paths in the order of the alphabet. */
export function openApiDocument(routes: readonly DocumentedRoute[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const { path, method, operation } of routes.map(operationOf)) {
    (paths[path] ??= {})[method] = operation;
  }
  const tags = new Set(routes.flatMap((route) => operationOf(route).operation["tags"] as readonly string[]));
  return {
    openapi: "3.1.0",
    info: {
      title: "Signalbox",
      version: API_VERSION,
      description:
        "Control plane for machine-learning platforms. Resource names are paths (AIP-122), custom methods follow a colon (AIP-136), lists are paged (AIP-158) and refusals say what to do next (AIP-193).",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [...tags].sort().map((name) => ({ name })),
    security: [{ [BEARER]: [] }],
    paths: Object.fromEntries(Object.entries(paths).sort(([one], [other]) => (one < other ? -1 : 1))),
    components: {
      securitySchemes: {
        [BEARER]: {
          type: "http",
          scheme: "bearer",
          description: "The token of a person, from its token file.",
        },
      },
      schemas: { Error: ErrorResponse },
      responses: {
        Refusal: {
          description: "Refused: the message says what happened, to what, and what to do next.",
          content: { [JSON_TYPE]: { schema: { $ref: ERROR_SCHEMA_REF } } },
        },
      },
    },
  };
}
