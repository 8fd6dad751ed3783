// Runs: asking for one, cancelling it, its log; and the custom methods of its workflow (role `workflow`, which no person has).
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { shortHash } from "../../../shared/domain/fact.ts";
import { formatName, VERSION_ID } from "../../../shared/domain/names.ts";
import { RunRequested } from "../../../shared/domain/outside-events.ts";
import { createRunOperations } from "../runs/operations.ts";
import { portsFor } from "../../../shared/runtime/rehearse.ts";
import { resourceUrl } from "../resource-reads.ts";
import type { RunPorts } from "../runs/ports.ts";
import { errorResponses, nameParams, parentParams, ValidateOnly } from "./schemas.ts";

const strict = { additionalProperties: false };
const params = nameParams("run");
const url = resourceUrl("run");

const createBody = Type.Omit(RunRequested, ["team", "run"], strict);
const createQuery = Type.Object(
  {
    runId: Type.Optional(Type.String({ pattern: VERSION_ID.source })),
    /** The same id from the same person is the same request (AIP-155). */
    requestId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    validateOnly: ValidateOnly,
  },
  strict,
);
const Run = Type.Object({ name: Type.String() }, { additionalProperties: true });

const Call = Type.Object(
  {
    execution: Type.String({ minLength: 1, maxLength: 300 }),
    lastContact: Type.Optional(Type.Union([Type.String({ maxLength: 40 }), Type.Null()])),
  },
  strict,
);
const Move = Type.Object({
  next: Type.String(),
  seconds: Type.Number(),
  state: Type.String(),
  sentence: Type.String(),
  lastContact: Type.Optional(Type.String()),
  outputDigest: Type.Optional(Type.String()),
  datasetVersion: Type.Optional(Type.String()),
});

/** `POST /v1/runs`, `POST /v1/teams/{team}/runs`, `:cancel`, `:logs`; and `:claim`, `:submit`, `:poll`, `:finish`. */
export function runRoutes(ports: RunPorts): FastifyPluginAsyncTypebox {
  const operations = createRunOperations(ports);
  const operationsFor = (validateOnly: boolean | undefined) =>
    validateOnly === true ? createRunOperations(portsFor(ports, true)) : operations;
  const nameOf = (ids: { team: string; run: string }): string => formatName("run", ids);
  return async (app) => {
    const engineer = { role: "engineer" } as const;
    const schema = { body: createBody, querystring: createQuery, response: { 200: Run, ...errorResponses } };
    const teamSchema = { ...schema, params: parentParams("run") };
    const create = async (
      call: Parameters<typeof operations.create>[0]["call"],
      { requestId, validateOnly, fallback }: { requestId?: string; validateOnly?: boolean; fallback: string },
      caller: Parameters<typeof operations.create>[1],
    ) => {
      const unique = requestId === undefined ? [ports.clock.now().toISOString(), fallback] : [requestId];
      const cause = `api/${shortHash("run", caller.principal, ...unique)}`;
      const { resource } = await operationsFor(validateOnly).create({ call, cause, correlation: "" }, caller);
      return resource as { name: string };
    };
    const withId = (runId: string | undefined) => (runId === undefined ? {} : { run: runId });
    app.post("/v1/runs", { config: engineer, schema }, async ({ body, query, caller, id }) =>
      create({ ...body, ...withId(query.runId) }, { ...query, fallback: id }, caller),
    );
    app.post(
      "/v1/teams/:team/runs",
      { config: engineer, schema: teamSchema },
      async ({ params, body, query, caller, id }) =>
        create({ ...body, team: params.team, ...withId(query.runId) }, { ...query, fallback: id }, caller),
    );
    const cancelSchema = {
      params,
      body: Type.Object(
        { reason: Type.String({ minLength: 1, maxLength: 500 }), validateOnly: ValidateOnly },
        strict,
      ),
      response: { 200: Run, ...errorResponses },
    };
    app.post(
      `${url}::cancel`,
      { config: engineer, schema: cancelSchema },
      async ({ params, body, caller }) =>
        operationsFor(body.validateOnly).cancel(nameOf(params), body.reason, caller) as Promise<{
          name: string;
        }>,
    );
    const text = { role: "viewer", produces: "text/plain" } as const;
    app.get(`${url}::logs`, { config: text, schema: { params } }, async ({ params }, reply) =>
      reply.type("text/plain; charset=utf-8").send(await operations.logs(nameOf(params))),
    );
    for (const verb of ["claim", "submit", "poll", "finish"] as const) {
      const schema = { params, body: Call, response: { 200: Move, ...errorResponses } };
      app.post(`${url}::${verb}`, { config: { role: "workflow" }, schema }, async ({ params, body }) =>
        operations[verb]({
          name: nameOf(params),
          execution: body.execution,
          lastContact: body.lastContact ?? undefined,
        }),
      );
    }
  };
}
