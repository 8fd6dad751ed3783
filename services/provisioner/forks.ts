// Pull requests from outside wait until someone with the right to write lets exactly this commit in.
import type { Fact } from "../../shared/domain/fact.ts";
import { forkGate, headName } from "../../shared/domain/fork-gate.ts";
import { codeText, plainText } from "../../shared/domain/markdown.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";
import { type PlanningRequest, planPullRequest } from "./pull-request.ts";

/** What the button on a held commit's check is called on the wire. */
export const ALLOW_HEAD = "allow-head";

/** Says on the commit that it waits, or who has let it in. */
async function reportHead(ports: ProvisionerPorts, name: string): Promise<void> {
  const { held, allowedBy } = (await load(ports.ledger, forkGate, name)).state;
  if (held === undefined) return;
  const { headCommit: commit, author } = held.pullRequest;
  const about = {
    id: name,
    repository: held.repository,
    commit,
    name: "signalbox/fork",
    annotations: [],
    updatedAt: ports.clock.now().toISOString(),
  };
  if (allowedBy !== undefined) {
    const summary = `${plainText(allowedBy)} let ${codeText(commit)} in. Another commit waits again.`;
    const done = {
      status: "completed",
      conclusion: "success",
      title: "allowed",
      summary,
      actions: [],
    } as const;
    return ports.checks.put({ ...about, ...done });
  }
  const summary = [
    `${plainText(author)} proposes ${codeText(commit)} from another repository. A plan runs the code of its providers,`,
    "so it is made once someone with the right to write has read this commit, and lets it in with the button or an approving review.",
  ].join(" ");
  await ports.checks.put({
    ...about,
    status: "completed",
    conclusion: "action_required",
    title: "waits for a maintainer",
    summary,
    actions: [{ id: ALLOW_HEAD, label: "Allow this commit", description: "Plan exactly this commit" }],
  });
}

/** Holds the commit; plans it if it was let in before. */
export async function receiveForked(ports: ProvisionerPorts, request: PlanningRequest): Promise<void> {
  const { repository, sender, pull, cause } = request;
  const stream = headName(repository, pull.number, pull.headCommit);
  const held = { repository, sender, pullRequest: pull };
  await record(ports, forkGate, {
    stream,
    cause: `${cause}/hold`,
    input: { kind: "hold", held },
    actor: ACTOR,
  });
  const { allowedBy } = (await load(ports.ledger, forkGate, stream)).state;
  if (allowedBy !== undefined) await planPullRequest(ports, request);
  return reportHead(ports, stream);
}

/** Someone says that the commit may be planned. Whether their word counts, the code host knows now. */
export async function allowHead(
  ports: ProvisionerPorts,
  request: { readonly stream: string; readonly login: string; readonly cause: string },
): Promise<void> {
  const { stream, login, cause } = request;
  const { held } = (await load(ports.ledger, forkGate, stream)).state;
  if (held === undefined) return;
  const permission = (await ports.access?.permission(held.repository, login)) ?? "none";
  await record(ports, forkGate, {
    stream,
    cause: `${cause}/allow`,
    input: { kind: "allow", login, permission },
    // What the code host says of a person may differ between two tries of one delivery.
    inputHash: login,
    actor: `github:${login}`,
  });
}

/** A commit was let in: plan it as the pull request stood when it was held. */
export async function planAllowed(ports: ProvisionerPorts, fact: Fact<"head.allowed">): Promise<void> {
  const { held } = (await load(ports.ledger, forkGate, fact.subject)).state;
  if (held === undefined) return;
  const { repository, sender, pullRequest: pull } = held;
  await planPullRequest(ports, { repository, sender, pull, cause: fact.id, correlation: fact.correlation });
  return reportHead(ports, fact.subject);
}
