// The JSON Schema of `.signalbox.yaml`, for editors: they fetch it without a token, and it holds no secret.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import {
  CONFIGURATION_SCHEMA_FILE,
  configurationSchemaText,
} from "../../../shared/domain/configuration-json-schema.ts";

/** It is sent as it was written; nothing serializes it. */
const schema = { response: { 200: Type.Object({}, { additionalProperties: true }) } };

/** `GET /schemas/signalbox-yaml.schema.json`. */
export function configurationSchemaRoutes(): FastifyPluginAsyncTypebox {
  const text = configurationSchemaText();
  return async (app) => {
    const config = { role: "public", produces: "application/schema+json" } as const;
    app.get(`/schemas/${CONFIGURATION_SCHEMA_FILE}`, { config, schema }, async (_, reply) =>
      reply.type("application/schema+json; charset=utf-8").send(text as never),
    );
  };
}
