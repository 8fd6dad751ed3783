// What led to a resource, and what came of it. The question is passed on; the graph answers.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { LINEAGE_DEPTH_MAX } from "../../../shared/domain/lineage-answer.ts";
import { formatName, NAME_PATTERNS, type NameIds, type NameKind } from "../../../shared/domain/names.ts";
import { errorResponses, Resource } from "./schemas.ts";

/** What is asked. */
export interface LineageQuestion {
  readonly name: string;
  readonly direction: "upstream" | "downstream";
  /** Edges that are followed; default: all. */
  readonly maxDepth?: number;
  /** RFC 3339; of an endpoint: what served then. Default: now. */
  readonly at?: string;
}

/** Answers a question about lineage; NOT_FOUND when the resource is unknown. */
export type QueryLineage = (question: LineageQuestion) => Promise<{ readonly name: string }>;

const KINDS: readonly NameKind[] = ["endpoint", "model", "modelVersion", "dataset", "datasetVersion", "run"];

const querystring = Type.Object(
  {
    direction: Type.Optional(Type.Union([Type.Literal("upstream"), Type.Literal("downstream")])),
    maxDepth: Type.Optional(Type.Integer({ minimum: 1, maximum: LINEAGE_DEPTH_MAX })),
    at: Type.Optional(
      Type.String({
        pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$",
      }),
    ),
  },
  { additionalProperties: false },
);

/** `GET /v1/{name}:queryLineage` for endpoints, models, datasets and their versions, and runs. */
export function lineageRoutes({
  queryLineage,
}: {
  readonly queryLineage: QueryLineage;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const kind of KINDS) {
      const keys = [...NAME_PATTERNS[kind].matchAll(/\{(\w+)\}/g)].map(([, key = ""]) => key);
      const path = `/v1/${NAME_PATTERNS[kind].replaceAll(/\{(\w+)\}/g, ":$1")}(^[a-z0-9-]+)::queryLineage`;
      const params = Type.Object(Object.fromEntries(keys.map((key) => [key, Type.String()])));
      const schema = { params, querystring, response: { 200: Resource, ...errorResponses } };
      app.get(path, { config: { role: "viewer" }, schema }, async (request) => {
        const { direction = "upstream", ...rest } = request.query;
        const name = formatName(kind, request.params as NameIds<typeof kind>);
        return queryLineage({ name, direction, ...rest });
      });
    }
  };
}
