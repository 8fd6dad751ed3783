// Asks about builds that have not reported: after every tick, and after a restart. What they report becomes a fact once.
import { parentName } from "../../shared/domain/names.ts";
import { load } from "../../shared/runtime/record.ts";
import { plan } from "../../shared/domain/plan.ts";
import { advanceStack, settleApply } from "./applies.ts";
import { OPEN_BUILDS_MAX, settlePlan, startPlan } from "./plans.ts";
import type { ProvisionerPorts } from "./ports.ts";

/** Plans that wait for a free build, looked at in one pass. */
const WAITING_PLANS_MAX = 50;

/** Applies that wait, looked at in one pass. */
const WAITING_APPLIES_MAX = 50;

/** One pass over all open builds. */
export async function settleOpenBuilds(ports: ProvisionerPorts): Promise<void> {
  const open = await ports.views.list({ collection: "openBuilds", limit: OPEN_BUILDS_MAX });
  for (const { key: build, document } of open) {
    const status = await ports.builds.status(build);
    if (status.state !== "done") continue;
    const { kind } = document as { kind: string };
    if (kind === "plan") {
      await settlePlan(ports, document["plan"] as string, build, status.result);
    } else {
      const apply = document["apply"] as string;
      await settleApply(ports, parentName(apply), apply, build, status.result);
    }
  }
  await startWaitingPlans(ports);
  await advanceWaitingApplies(ports);
}

async function advanceWaitingApplies(ports: ProvisionerPorts): Promise<void> {
  const waiting = await ports.views.list({ collection: "waitingApplies", limit: WAITING_APPLIES_MAX });
  const stacks = new Set(waiting.map(({ document }) => document["stack"] as string));
  for (const stackName of stacks) await advanceStack(ports, stackName);
}

async function startWaitingPlans(ports: ProvisionerPorts): Promise<void> {
  const waiting = await ports.views.list({ collection: "waitingPlans", limit: WAITING_PLANS_MAX });
  for (const { key: name } of waiting) {
    const { state } = await load(ports.ledger, plan, name);
    if (state.phase === "requested") await startPlan(ports, name, `wait/${name}`);
  }
}
