// Reviews on the code host are approvals of the plans of exactly the commit that was reviewed, if they could be read by then.
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Fact } from "../../shared/domain/fact.ts";
import { headName, mayWrite } from "../../shared/domain/fork-gate.ts";
import { plan, type PlanInput } from "../../shared/domain/plan.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { allowHead } from "./forks.ts";
import type { ProvisionerPorts } from "./ports.ts";
import { standingPlans } from "./supersede.ts";

/** A refusal is an answer to the reviewer, not a failure of the delivery. */
async function say(ports: ProvisionerPorts, name: string, cause: string, login: string, input: PlanInput) {
  try {
    await record(ports, plan, { stream: name, cause: `${cause}/review`, input, actor: `github:${login}` });
  } catch (error) {
    const isRefusal =
      error instanceof ControlPlaneError && ["PERMISSION_DENIED", "FAILED_PRECONDITION"].includes(error.code);
    if (!isRefusal) throw error;
    ports.log.info({ plan: name, login, error }, "A review does not count as an approval.");
  }
}

/** Approves, or takes an approval back. Only the word of people who may write counts, and only on the newest commit. */
export async function receiveReview(ports: ProvisionerPorts, fact: Fact<"delivery.received">): Promise<void> {
  const { repository, pullRequest: pull, fork, review } = fact.data;
  if (pull === undefined || review === undefined) return;
  const { reviewer: login, commit, state, id, submittedAt } = review;
  const standing = await standingPlans(ports, `${repository}#${pull.number}/`);
  if (state !== "approved") {
    const reason = state === "dismissed" ? "the review was dismissed" : "the reviewer asks for changes";
    for (const each of standing)
      await say(ports, each.plan, fact.id, login, { kind: "withdraw", codeHostLogin: login, reason });
    return;
  }
  if (commit !== pull.headCommit) {
    ports.log.info(
      { repository, pullRequest: pull.number, login, commit },
      "A review of an older commit approves nothing.",
    );
    return;
  }
  if (fork === true)
    await allowHead(ports, { stream: headName(repository, pull.number, commit), login, cause: fact.id });
  const permission = (await ports.access?.permission(repository, login)) ?? "none";
  if (!mayWrite(permission)) {
    ports.log.info(
      { repository, login, permission },
      "A review of someone who may not write approves nothing.",
    );
    return;
  }
  for (const each of standing) {
    if (each.head !== commit) continue;
    const { digest } = (await load(ports.ledger, plan, each.plan)).state.finished ?? {};
    if (digest === undefined) continue;
    await say(ports, each.plan, fact.id, login, {
      kind: "approve",
      digest,
      approver: `github:${login}`,
      codeHostLogins: [login],
      review: { id, submittedAt },
    });
  }
}
