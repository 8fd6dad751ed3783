// Custom methods of rollouts: those of the canary workflow (role `workflow`, which no person has) and those of people.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { formatName } from "../../../shared/domain/names.ts";
import { createRolloutOperations } from "../rollouts/operations.ts";
import type { RolloutPorts } from "../rollouts/ports.ts";
import { portsFor } from "../../../shared/runtime/rehearse.ts";
import { resourceUrl } from "../resource-reads.ts";
import { errorResponses, nameParams, ValidateOnly } from "./schemas.ts";

const strict = { additionalProperties: false };
const params = nameParams("rollout");
const url = resourceUrl("rollout");

const Execution = Type.String({ minLength: 1, maxLength: 300 });
const Reason = Type.String({ minLength: 1, maxLength: 500 });
const RequestId = Type.Optional(Type.String({ minLength: 1, maxLength: 100 }));
const Verdict = Type.Union([Type.Literal("pass"), Type.Literal("fail"), Type.Literal("inconclusive")]);
const Counts = Type.Object({ requests: Type.Number(), errors: Type.Number() });

const Rollout = Type.Object({
  name: Type.String(),
  state: Type.String(),
  modelVersion: Type.String(),
  step: Type.Integer(),
  weight: Type.Number(),
  paused: Type.Boolean(),
  reason: Type.String(),
  refused: Type.Optional(Type.String()),
});
const Look = Type.Object({
  next: Type.Union([
    Type.Literal("wait"),
    Type.Literal("step"),
    Type.Literal("finish"),
    Type.Literal("done"),
  ]),
  seconds: Type.Number(),
  step: Type.Optional(Type.Integer()),
  verdict: Type.Optional(Verdict),
  sentence: Type.String(),
  outcome: Type.Optional(Type.String()),
  counts: Type.Optional(Type.Object({ canary: Counts, control: Counts })),
});

const claimSchema = {
  params,
  body: Type.Object({ execution: Execution }, strict),
  response: { 200: Rollout, ...errorResponses },
};
const lookSchema = {
  params,
  body: Type.Object({ execution: Execution }, strict),
  response: { 200: Look, ...errorResponses },
};
const stepSchema = {
  params,
  body: Type.Object({ execution: Execution, step: Type.Integer({ minimum: 0, maximum: 100 }) }, strict),
  response: { 200: Rollout, ...errorResponses },
};
const finishSchema = {
  params,
  body: Type.Object({ execution: Execution, verdict: Verdict }, strict),
  response: { 200: Rollout, ...errorResponses },
};
const personSchema = {
  params,
  body: Type.Object({ reason: Reason, requestId: RequestId, validateOnly: ValidateOnly }, strict),
  response: { 200: Rollout, ...errorResponses },
};
const pauseSchema = {
  params,
  body: Type.Object(
    {
      reason: Reason,
      requestId: RequestId,
      paused: Type.Optional(Type.Boolean()),
      validateOnly: ValidateOnly,
    },
    strict,
  ),
  response: { 200: Rollout, ...errorResponses },
};

/** `:claim`, `:look`, `:step`, `:finish` for workflows; `:advance`, `:pause`, `:abort`, `:retry` for engineers. */
export function rolloutRoutes(ports: RolloutPorts): FastifyPluginAsyncTypebox {
  const operations = createRolloutOperations(ports);
  const operationsFor = ({ validateOnly }: { validateOnly?: boolean }) =>
    validateOnly === true ? createRolloutOperations(portsFor(ports, true)) : operations;
  const nameOf = (ids: { team: string; endpoint: string; rollout: string }): string =>
    formatName("rollout", ids);
  return async (app) => {
    const workflow = { role: "workflow" } as const;
    app.post(`${url}::claim`, { config: workflow, schema: claimSchema }, async ({ params, body }) =>
      operations.claim(nameOf(params), body.execution),
    );
    app.post(`${url}::look`, { config: workflow, schema: lookSchema }, async ({ params, body }) =>
      operations.look(nameOf(params), body.execution),
    );
    app.post(`${url}::step`, { config: workflow, schema: stepSchema }, async ({ params, body }) =>
      operations.step(nameOf(params), body.execution, body.step),
    );
    app.post(`${url}::finish`, { config: workflow, schema: finishSchema }, async ({ params, body }) =>
      operations.finish(nameOf(params), body.execution, body.verdict),
    );

    const person = { role: "engineer" } as const;
    for (const verb of ["advance", "abort", "retry"] as const) {
      app.post(
        `${url}::${verb}`,
        { config: person, schema: personSchema },
        async ({ params, body, caller }) =>
          operationsFor(body)[verb](nameOf(params), { ...body, actor: caller.principal }),
      );
    }
    app.post(`${url}::pause`, { config: person, schema: pauseSchema }, async ({ params, body, caller }) =>
      operationsFor(body).pause(nameOf(params), { paused: true, ...body, actor: caller.principal }),
    );
  };
}
