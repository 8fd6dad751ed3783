// CloudEvents 1.0 over HTTP: structured and binary mode. What they may say is decided by the door behind.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import {
  ATTRIBUTE_CHARACTERS_MAX,
  ATTRIBUTES_MAX,
  type CloudEvent,
  fromBinary,
  fromStructured,
  STRUCTURED_MEDIA_TYPE,
} from "../../../shared/domain/cloud-event.ts";
import { invalidArgument } from "../../../shared/domain/errors.ts";
import { OUTSIDE_EVENTS } from "../../../shared/domain/outside-events.ts";
import { readJsonBody } from "../../../shared/runtime/server.ts";
import type { OutsideDoor } from "../outside-door.ts";
import { errorResponses, ValidateOnly } from "./schemas.ts";

const schema = {
  // Beside the event, which has no place for it.
  querystring: Type.Object({ validateOnly: ValidateOnly }, { additionalProperties: false }),
  body: Type.Unknown(),
  response: {
    202: Type.Object({
      /** The resource that the event is about. */
      name: Type.String(),
      /** Why nothing changed, if nothing did. */
      ignored: Type.Optional(Type.String()),
    }),
    ...errorResponses,
  },
};

const Attribute = Type.String({
  minLength: 1,
  maxLength: ATTRIBUTE_CHARACTERS_MAX,
  pattern: "^[^\\x00-\\x1f\\x7f-\\x9f]*$",
});

/** Events as they may come, told from the schemas by which the door checks their data. */
const Event = Type.Union(
  Object.entries(OUTSIDE_EVENTS).map(([type, { data }]) =>
    Type.Object(
      {
        specversion: Type.Literal("1.0"),
        id: Attribute,
        source: Attribute,
        type: Type.Literal(type),
        datacontenttype: Type.Optional(Type.Literal("application/json")),
        data,
      },
      {
        additionalProperties: Attribute,
        maxProperties: ATTRIBUTES_MAX,
        propertyNames: { pattern: "^[a-z0-9]{1,20}$" },
      },
    ),
  ),
);
const Data = Type.Union(Object.values(OUTSIDE_EVENTS).map(({ data }) => data));

function headerPairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""] as const] : [],
  );
}

function readEvent(request: Pick<FastifyRequest, "headers" | "body" | "raw">): CloudEvent {
  const structured = (request.headers["content-type"] ?? "").toLowerCase().startsWith(STRUCTURED_MEDIA_TYPE);
  if (structured) return fromStructured(request.body);
  const pairs = headerPairs(request.raw.rawHeaders);
  if (!pairs.some(([name]) => name.toLowerCase() === "ce-specversion")) {
    throw invalidArgument(
      "content-type",
      `Send a CloudEvent: one JSON document with content-type ${STRUCTURED_MEDIA_TYPE}, or its data as application/json with ce-* headers.`,
      "INVALID_CLOUD_EVENT",
    );
  }
  return fromBinary(pairs, request.body);
}

/** `POST /v1/events`. The role that an event needs depends on its type; the route itself asks for any person. */
export function eventRoutes({
  outsideDoor,
}: {
  readonly outsideDoor: OutsideDoor;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addContentTypeParser<Buffer>(STRUCTURED_MEDIA_TYPE, { parseAs: "buffer" }, readJsonBody);
    const bodies = { [STRUCTURED_MEDIA_TYPE]: Event, "application/json": Data };
    app.post("/v1/events", { config: { role: "viewer", bodies }, schema }, async (request, reply) => {
      const event = readEvent(request);
      const { name, ignored } = await outsideDoor(event, request.caller, request.query.validateOnly);
      return reply.code(202).send(ignored === undefined ? { name } : { name, ignored });
    });
  };
}
