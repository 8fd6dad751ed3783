// What people do to plans and stacks: approve one, unblock the other. The API offers both; the deciders rule.
import { type PlanState, isApproved, plan } from "../domain/plan.ts";
import { notFound } from "../domain/errors.ts";
import { stack } from "../domain/stack.ts";
import { load, record, type RecordPorts } from "./record.ts";
import { portsFor } from "./rehearse.ts";

/** Who asks, as the identity layer knows them. */
export interface Person {
  readonly principal: string;
  readonly codeHostLogins: readonly string[];
}

/** Whether the request only asks what it would lead to. */
interface Validation {
  readonly validateOnly?: boolean;
}

/** What an approval led to. */
export interface ApprovalOutcome {
  readonly plan: string;
  readonly digest: string;
  readonly approvals: number;
  readonly approvalsRequired: number;
  readonly approved: boolean;
}

function outcome(name: string, state: PlanState): ApprovalOutcome {
  return {
    plan: name,
    digest: state.finished?.digest ?? "",
    approvals: state.approvals.length,
    approvalsRequired: state.finished?.approvalsRequired ?? 0,
    approved: isApproved(state),
  };
}

/** Approves a finished plan by its digest. Safe to repeat: one person's approval counts once. */
export async function approvePlan(
  given: RecordPorts,
  request: { readonly plan: string; readonly digest: string } & Validation,
  person: Person,
): Promise<ApprovalOutcome> {
  const ports = portsFor(given, request.validateOnly);
  const before = await load(ports.ledger, plan, request.plan);
  if (before.state.phase === "absent")
    throw notFound(request.plan, "List the plans of the stack to see which exist.");
  await record(ports, plan, {
    stream: request.plan,
    cause: `approve/${person.principal}/${request.digest}`,
    input: {
      kind: "approve",
      digest: request.digest,
      approver: person.principal,
      codeHostLogins: person.codeHostLogins,
    },
    actor: person.principal,
  });
  return outcome(request.plan, (await load(ports.ledger, plan, request.plan)).state);
}

/** Lets a stack go on after someone has looked at its interrupted apply. */
export async function unblockStack(
  given: RecordPorts,
  request: { readonly stack: string; readonly reason: string } & Validation,
  person: Person,
): Promise<{ readonly stack: string; readonly unblocked: string }> {
  const ports = portsFor(given, request.validateOnly);
  const { state } = await load(ports.ledger, stack, request.stack);
  if (state.settings === undefined) throw notFound(request.stack, "List the stacks to see which exist.");
  const apply = state.blocked?.apply ?? "nothing";
  await record(ports, stack, {
    stream: request.stack,
    cause: `unblock/${apply}`,
    input: { kind: "unblock", reason: request.reason },
    actor: person.principal,
    inputHash: apply,
  });
  return { stack: request.stack, unblocked: apply };
}
