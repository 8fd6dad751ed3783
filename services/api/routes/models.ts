// Registering a model version by a call: the same door, the same handler and the same answer as by an event.
import { createHash } from "node:crypto";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { VERSION_ID } from "../../../shared/domain/names.ts";
import { ModelVersionRegistered } from "../../../shared/domain/outside-events.ts";
import { withoutData } from "../models/field-paths.ts";
import type { OutsideDoor } from "../outside-door.ts";
import { listUrl } from "../resource-reads.ts";
import { errorResponses, parentParams, Resource, ValidateOnly } from "./schemas.ts";

const { team: _team, model: _model, version: _version, ...properties } = ModelVersionRegistered.properties;

const schema = {
  params: parentParams("modelVersion"),
  querystring: Type.Object(
    {
      /** The caller's own id (AIP-133); without it the version gets the next integer. */
      versionId: Type.Optional(Type.String({ pattern: VERSION_ID.source })),
      /** Makes a retry safe (AIP-155). Without it, the same content is the same request. */
      requestId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      validateOnly: ValidateOnly,
    },
    { additionalProperties: false },
  ),
  body: Type.Object(properties, { additionalProperties: false }),
  response: { 200: Resource, ...errorResponses },
};

/** `POST /v1/teams/{team}/models/{model}/versions`. */
export function modelRoutes({
  outsideDoor,
}: {
  readonly outsideDoor: OutsideDoor;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      listUrl("modelVersion"),
      { config: { role: "engineer" }, schema },
      async ({ params, query, body, caller }) => {
        const { versionId: version, requestId, validateOnly } = query;
        const data = { ...body, ...params, ...(version === undefined ? {} : { version }) };
        const id = requestId ?? createHash("sha256").update(JSON.stringify(data)).digest("hex");
        const type = "dev.signalbox.model-version.registered.v1";
        const { resource } = await withoutData(() =>
          outsideDoor({ type, source: "/v1/models", id, data }, caller, validateOnly),
        );
        return resource as { name: string };
      },
    );
  };
}
