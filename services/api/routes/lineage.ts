// What led to a resource, and what came of it. The question is passed on; the graph answers.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { LINEAGE_DEPTH_MAX } from "../../../shared/domain/lineage-answer.ts";
import { formatName, type NameKind } from "../../../shared/domain/names.ts";
import { methodUrl } from "../resource-reads.ts";
import { errorResponses, nameParams, Resource, Time } from "./schemas.ts";

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

const everyKind = {
  direction: Type.Optional(Type.Union([Type.Literal("upstream"), Type.Literal("downstream")])),
  maxDepth: Type.Optional(Type.Integer({ minimum: 1, maximum: LINEAGE_DEPTH_MAX })),
};
const strict = { additionalProperties: false };
/** Only of an endpoint can it be asked what served at some time. */
const endpointQuery = Type.Object({ ...everyKind, at: Type.Optional(Time) }, strict);
const otherQuery = Type.Object(everyKind, strict);

/** `GET /v1/{name}:queryLineage` for endpoints, models, datasets and their versions, and runs. */
export function lineageRoutes({
  queryLineage,
}: {
  readonly queryLineage: QueryLineage;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    for (const kind of KINDS) {
      const path = methodUrl(kind, "queryLineage");
      const schema = {
        params: nameParams(kind),
        querystring: kind === "endpoint" ? endpointQuery : otherQuery,
        response: { 200: Resource, ...errorResponses },
      };
      app.get(path, { config: { role: "viewer" }, schema }, async (request) => {
        const { direction = "upstream", ...rest } = request.query;
        const name = formatName(kind, request.params);
        return queryLineage({ name, direction, ...rest });
      });
    }
  };
}
