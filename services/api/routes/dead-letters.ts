// Messages that no retry could help, kept for a person, who replays them or gives them up.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { deadLetterName } from "../../../shared/domain/dead-letter.ts";
import type { DeadLetter } from "../../../shared/ports/dead-letters.ts";
import { type PageTokens, pageSize } from "../../../shared/runtime/page-token.ts";
import { type DeadLetterPorts, findLetter, purge, replay } from "../dead-letters/decisions.ts";
import { errorResponses, pageArguments } from "./schemas.ts";

const Letter = Type.Object({
  name: Type.String(),
  /** The subscription that gave up; a replay reaches it alone. `relay`: it is not known which, so all are given it. */
  service: Type.String(),
  /** `WAITING` for a person, or `REPLAYING`. */
  state: Type.String(),
  /** How often it has failed: once, and once more for every replay that did not help. */
  failures: Type.Integer(),
  /** Of the newest failure. */
  reason: Type.String(),
  message: Type.String(),
  payload: Type.Unknown(),
  createTime: Type.String(),
  /** When it failed last. */
  failTime: Type.String(),
});

const listSchema = {
  querystring: Type.Object(pageArguments, { additionalProperties: false }),
  response: {
    200: Type.Object({
      deadLetters: Type.Array(Letter),
      nextPageToken: Type.String(),
      /** How many there are, listed or not. */
      totalSize: Type.Integer(),
    }),
    ...errorResponses,
  },
};
const params = Type.Object({ deadLetter: Type.String({ maxLength: 100 }) });
const getSchema = { params, response: { 200: Letter, ...errorResponses } };
const decideSchema = {
  params,
  body: Type.Object(
    {
      /** Why, for whoever reads the history. */
      reason: Type.String({ minLength: 1, maxLength: 500 }),
    },
    { additionalProperties: false },
  ),
  response: { 200: Letter, ...errorResponses },
};

const resourceOf = (letter: DeadLetter) => ({
  name: deadLetterName(letter.id),
  service: letter.service,
  state: letter.state.toUpperCase(),
  failures: letter.failures,
  reason: letter.reason,
  message: letter.message,
  payload: letter.payload,
  createTime: letter.createTime,
  failTime: letter.time,
});

const QUESTION = ["deadLetters"];

/** `GET /v1/deadLetters` (newest first), GET of one, and `:replay` and `:purge` for operators. */
export function deadLetterRoutes(
  ports: DeadLetterPorts & { readonly pageTokens: PageTokens },
): FastifyPluginAsyncTypebox {
  const { deadLetters, pageTokens } = ports;
  return async (app) => {
    app.get("/v1/deadLetters", { config: { role: "viewer" }, schema: listSchema }, async ({ query }) => {
      const after = pageTokens.read(QUESTION, query.pageToken);
      const size = pageSize(query.pageSize);
      const found = await deadLetters.list(size + 1, after === undefined ? {} : { after });
      const page = found.letters.slice(0, size);
      const last = found.letters.length > size ? page.at(-1) : undefined;
      const nextPageToken = last === undefined ? "" : pageTokens.make(QUESTION, last.id);
      return { deadLetters: page.map(resourceOf), nextPageToken, totalSize: found.total };
    });
    app.get(
      "/v1/deadLetters/:deadLetter(^[^:/]+)",
      { config: { role: "viewer" }, schema: getSchema },
      async (request) => resourceOf(await findLetter(ports, request.params.deadLetter)),
    );
    for (const [verb, decide] of Object.entries({ replay, purge })) {
      app.post(
        `/v1/deadLetters/:deadLetter(^[^:/]+)::${verb}`,
        { config: { role: "operator" }, schema: decideSchema },
        async ({ params: { deadLetter: letter }, body: { reason }, caller }) =>
          resourceOf(await decide(ports, { letter, reason, actor: caller.principal })),
      );
    }
  };
}
