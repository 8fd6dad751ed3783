// Turns deliveries into plans and merges into applies. Each fact leads to one reaction that reads the state it acts on from
// the ledger, never from the message, and is safe to repeat.
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { inputsOf, withViews } from "../../shared/runtime/with-views.ts";
import { advanceDependents, advanceStack, launchApply } from "./applies.ts";
import { reportApply, reportPlan } from "./checks.ts";
import { commentOnApply, commentOnPlan } from "./comment.ts";
import { receiveDelivery } from "./deliveries.ts";
import { planAllowed } from "./forks.ts";
import { advanceAfterPlan, launchPlan, startPlan, stopPlan } from "./plans.ts";
import type { ProvisionerPorts } from "./ports.ts";
import { settleOpenBuilds } from "./settle.ts";
import { supersedeOlderPlans } from "./supersede.ts";
import { PROVISIONER_VIEWS } from "./views.ts";

const REACTS_TO = [
  "delivery.received",
  "plan.requested",
  "plan.started",
  "plan.finished",
  "plan.failed",
  "plan.approved",
  "plan.approval-revoked",
  "plan.superseded",
  "head.allowed",
  "stack.unblocked",
  "stack.apply-interrupted",
  "apply.requested",
  "apply.started",
  "apply.finished",
  "apply.failed",
] as const satisfies readonly FactType[];

/** What this service asks to be told. */
export const PROVISIONER_INPUTS = inputsOf(REACTS_TO, PROVISIONER_VIEWS);

/** Says on the plan's check and in the pull request's comment what became of it. */
async function tellPlan(ports: ProvisionerPorts, name: string): Promise<void> {
  await reportPlan(ports, name);
  await commentOnPlan(ports, name);
}

/** The same of an apply. */
async function tellApply(ports: ProvisionerPorts, stack: string, name: string): Promise<void> {
  await reportApply(ports, stack, name);
  await commentOnApply(ports, stack, name);
}

async function react(ports: ProvisionerPorts, fact: AnyFact): Promise<void> {
  switch (fact.type) {
    case "delivery.received":
      return receiveDelivery(ports, fact);
    case "plan.requested":
      await supersedeOlderPlans(ports, fact.subject);
      await startPlan(ports, fact.subject, fact.id);
      return tellPlan(ports, fact.subject);
    case "plan.started":
      await launchPlan(ports, fact.subject);
      return tellPlan(ports, fact.subject);
    case "plan.finished":
    case "plan.approved":
    case "plan.failed":
      // What must happen first, what is told second: a code host that is down holds no apply back.
      await advanceAfterPlan(ports, fact.subject);
      return tellPlan(ports, fact.subject);
    case "plan.approval-revoked":
      return tellPlan(ports, fact.subject);
    case "head.allowed":
      return planAllowed(ports, fact);
    case "plan.superseded":
      await stopPlan(ports, fact.subject);
      return tellPlan(ports, fact.subject);
    case "apply.requested":
      await advanceStack(ports, fact.subject);
      return tellApply(ports, fact.subject, fact.data.apply);
    case "apply.started":
      await launchApply(ports, fact.subject, fact.data.apply);
      return tellApply(ports, fact.subject, fact.data.apply);
    case "apply.finished":
    case "apply.failed":
      await advanceStack(ports, fact.subject);
      await advanceDependents(ports, fact.subject);
      return tellApply(ports, fact.subject, fact.data.apply);
    case "stack.apply-interrupted":
      return tellApply(ports, fact.subject, fact.data.apply);
    case "stack.unblocked":
      return advanceStack(ports, fact.subject);
    default:
      return undefined;
  }
}

/** The provisioner. It also keeps the views of stacks, plans and applies; `reconcile` asks about every build that has not reported yet. */
export function createProvisioner(ports: ProvisionerPorts): FactService {
  // Reactions look plans and open builds up in the views.
  return withViews(ports, PROVISIONER_VIEWS, {
    name: "provisioner",
    inputs: REACTS_TO,
    handle: (fact) => react(ports, fact),
    reconcile: () => settleOpenBuilds(ports),
  });
}
