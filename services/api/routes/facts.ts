// What happened, newest first.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { invalidArgument } from "../../../shared/domain/errors.ts";
import { FACTS, type FactType, factType } from "../../../shared/domain/facts.ts";
import type { Ledger } from "../../../shared/ports/ledger.ts";
import { type PageTokens, pageSize } from "../../../shared/runtime/page-token.ts";
import { errorResponses, pageArguments, pageOf } from "./schemas.ts";

/** Types that one question may name. */
const TYPES_MAX = 50;

const Fact = Type.Object({
  id: Type.String(),
  type: Type.String(),
  subject: Type.String(),
  version: Type.Integer(),
  time: Type.String(),
  cause: Type.String(),
  correlation: Type.String(),
  actor: Type.String(),
  data: Type.Unknown(),
});

/** Arguments that choose facts. */
export const factArguments = {
  /** Only this resource; with a `/` at the end, those below it. */
  subject: Type.Optional(Type.String({ pattern: "^[a-z0-9][A-Za-z0-9/-]{0,499}$" })),
  /** Only these types, as in `plan.finished` or `dev.signalbox.plan.finished.v1`. */
  type: Type.Optional(Type.Array(Type.String({ maxLength: 100 }), { maxItems: TYPES_MAX })),
} as const;

const schema = {
  querystring: Type.Object(
    {
      ...pageArguments,
      ...factArguments,
      orderBy: Type.Optional(Type.Union([Type.Literal("time desc"), Type.Literal("time")])),
    },
    { additionalProperties: false },
  ),
  response: { 200: pageOf("facts", Fact), ...errorResponses },
};

/** The type of fact that is meant; INVALID_ARGUMENT when there is none of this name. */
export function typeOf(text: string): FactType {
  const type = Object.hasOwn(FACTS, text) ? (text as FactType) : factType(text);
  if (type === undefined) {
    throw invalidArgument(
      "type",
      `${JSON.stringify(text)} is no type of fact: write it as listed facts do, such as plan.finished.`,
      "UNKNOWN_FACT",
    );
  }
  return type;
}

/** `GET /v1/facts`. Ignored inputs are left out: they are no facts. */
export function factRoutes({
  ledger,
  pageTokens,
}: {
  readonly ledger: Pick<Ledger, "list">;
  readonly pageTokens: PageTokens;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get("/v1/facts", { config: { role: "viewer" }, schema }, async ({ query }) => {
      const { subject, orderBy = "time desc" } = query;
      const types = query.type?.map(typeOf);
      const question = ["facts", subject, types, orderBy];
      const after = pageTokens.read(question, query.pageToken);
      const { facts, next } = await ledger.list({
        limit: pageSize(query.pageSize),
        order: orderBy === "time" ? "oldest-first" : "newest-first",
        ...(after === undefined ? {} : { after }),
        ...(subject === undefined ? {} : { subject }),
        ...(types === undefined ? {} : { types }),
      });
      return { facts: [...facts], nextPageToken: next === undefined ? "" : pageTokens.make(question, next) };
    });
  };
}
