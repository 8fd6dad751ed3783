// What people ask for on checks: look again, or let a commit in.
import type { Fact } from "../../shared/domain/fact.ts";
import { shortHash } from "../../shared/domain/fact.ts";
import { formatName, parseName } from "../../shared/domain/names.ts";
import { plan } from "../../shared/domain/plan.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { ALLOW_HEAD, allowHead } from "./forks.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";
import { standingPlans } from "./supersede.ts";

/** Makes the plan of a pull request again, under a name of its own; the older one gives way to it. */
async function planAgain(
  ports: ProvisionerPorts,
  name: string,
  fact: Fact<"delivery.received">,
): Promise<void> {
  const { request, phase } = (await load(ports.ledger, plan, name)).state;
  const ids = parseName("plan", name);
  if (request === undefined || ids === undefined || request.repository !== fact.data.repository) return;
  // What replaced it is the one to repeat; the plan of a merge belongs to its apply.
  if (phase === "superseded" || request.phase === "merge") return;
  await record(ports, plan, {
    stream: formatName("plan", { stack: ids.stack, plan: shortHash(name, fact.id) }),
    cause: fact.id,
    correlation: fact.correlation,
    input: { kind: "request", request },
    actor: ACTOR,
  });
}

/** Reacts to a press on a check. A check that nothing can be done for stays as it is, and the log says so. */
export async function receiveCheck(ports: ProvisionerPorts, fact: Fact<"delivery.received">): Promise<void> {
  const { check, repository, sender, action } = fact.data;
  if (check === undefined) return;
  if (check.pressed === ALLOW_HEAD)
    return allowHead(ports, { stream: check.id, login: sender, cause: fact.id });
  if (parseName("plan", check.id) !== undefined) return planAgain(ports, check.id, fact);
  if (check.pullRequests === undefined) {
    ports.log.info({ check: check.id, action }, "Nothing can be done again for this check.");
    return;
  }
  for (const number of check.pullRequests) {
    const standing = await standingPlans(ports, `${repository}#${number}/`);
    for (const each of standing) if (each.head === check.commit) await planAgain(ports, each.plan, fact);
  }
}
