// What people do to stacks and plans: approve what a plan says, and let a stack go on after an interrupted apply.
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { formatName } from "../../../shared/domain/names.ts";
import type { Caller } from "../../../shared/domain/role.ts";
import { methodUrl } from "../resource-reads.ts";
import { errorResponses, nameParams, ValidateOnly } from "./schemas.ts";

/** What an approval led to. */
const Approval = Type.Object({
  plan: Type.String(),
  digest: Type.String(),
  approvals: Type.Integer(),
  approvalsRequired: Type.Integer(),
  approved: Type.Boolean(),
});

const Unblocked = Type.Object({ stack: Type.String(), unblocked: Type.String() });

/** The two operations, as the provisioning rules offer them. */
export interface StackOperations {
  approvePlan(
    request: { readonly plan: string; readonly digest: string; readonly validateOnly?: boolean },
    caller: Caller,
  ): Promise<{
    readonly plan: string;
    readonly digest: string;
    readonly approvals: number;
    readonly approvalsRequired: number;
    readonly approved: boolean;
  }>;
  unblockStack(
    request: { readonly stack: string; readonly reason: string; readonly validateOnly?: boolean },
    caller: Caller,
  ): Promise<{ readonly stack: string; readonly unblocked: string }>;
}

const strict = { additionalProperties: false } as const;

const approve = {
  params: nameParams("plan"),
  body: Type.Object(
    { digest: Type.String({ minLength: 1, maxLength: 300 }), validateOnly: ValidateOnly },
    strict,
  ),
  response: { 200: Approval, ...errorResponses },
};

const unblock = {
  params: nameParams("stack"),
  body: Type.Object(
    { reason: Type.String({ minLength: 1, maxLength: 500 }), validateOnly: ValidateOnly },
    strict,
  ),
  response: { 200: Unblocked, ...errorResponses },
};

/** `POST /v1/stacks/{stack}/plans/{plan}:approve` and `POST /v1/stacks/{stack}:unblock`. */
export function stackRoutes({
  stackOperations,
}: {
  readonly stackOperations: StackOperations;
}): FastifyPluginAsyncTypebox {
  return async (app) => {
    const config = { role: "operator" } as const;
    app.post(methodUrl("plan", "approve"), { config, schema: approve }, async ({ params, body, caller }) =>
      stackOperations.approvePlan({ ...body, plan: formatName("plan", params) }, caller),
    );
    app.post(methodUrl("stack", "unblock"), { config, schema: unblock }, async ({ params, body, caller }) =>
      stackOperations.unblockStack({ ...body, stack: formatName("stack", params) }, caller),
    );
  };
}
