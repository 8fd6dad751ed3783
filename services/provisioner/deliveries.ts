// What a delivery asks for: a plan on the pull request, an apply after its merge, or a new configuration.
import type { Fact } from "../../shared/domain/fact.ts";
import { mergedChange } from "./merge.ts";
import type { ProvisionerPorts } from "./ports.ts";
import { planPullRequest } from "./pull-request.ts";

const NO_COMMIT = /^0+$/;

/** Reacts to one verified delivery. `closed` with `merged` and `push` are the same merge: both lead to the same applies. */
export async function receiveDelivery(
  ports: ProvisionerPorts,
  fact: Fact<"delivery.received">,
): Promise<void> {
  const { repository, pullRequest, push } = fact.data;
  if (pullRequest !== undefined && fact.data.action === "closed") {
    if (!pullRequest.merged || pullRequest.mergeCommit === undefined) return;
    return mergedChange(ports, {
      repository,
      base: pullRequest.baseCommit,
      mergeCommit: pullRequest.mergeCommit,
      pullRequest: pullRequest.number,
      cause: fact.id,
    });
  }
  if (pullRequest !== undefined) return planPullRequest(ports, fact);
  if (push === undefined || NO_COMMIT.test(push.after)) return;
  return mergedChange(ports, {
    repository,
    base: NO_COMMIT.test(push.before) ? undefined : push.before,
    mergeCommit: push.after,
    pullRequest: undefined,
    cause: fact.id,
  });
}
