// Messages that no retry could help, kept for a person.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { DeadLetters } from "../../../shared/ports/dead-letters.ts";
import { pageSize } from "../../../shared/runtime/page-token.ts";
import { errorResponses, pageArguments } from "./schemas.ts";

const DeadLetter = Type.Object({
  name: Type.String(),
  service: Type.String(),
  reason: Type.String(),
  message: Type.String(),
  payload: Type.Unknown(),
  createTime: Type.String(),
});

const schema = {
  querystring: Type.Object({ pageSize: pageArguments.pageSize }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      deadLetters: Type.Array(DeadLetter),
      /** How many there are, listed or not. */
      totalSize: Type.Integer(),
    }),
    ...errorResponses,
  },
};

/** `GET /v1/deadLetters`: the newest ones and their number. */
export function deadLetterRoutes({
  deadLetters,
}: {
  readonly deadLetters: Pick<DeadLetters, "list">;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get("/v1/deadLetters", { config: { role: "viewer" }, schema }, async ({ query }) => {
      const { letters, total } = await deadLetters.list(pageSize(query.pageSize));
      const resources = letters.map(({ id, time, service, reason, message, payload }) => ({
        name: `deadLetters/${id}`,
        service,
        reason,
        message,
        payload,
        createTime: time,
      }));
      return { deadLetters: resources, totalSize: total };
    });
  };
}
