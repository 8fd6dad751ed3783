// What a delivery asks for: a plan on the pull request, an apply after its merge, or a new configuration.
import type { Fact } from "../../shared/domain/fact.ts";
import { receiveCheck } from "./check-requests.ts";
import { receiveForked } from "./forks.ts";
import { receiveInstallation } from "./installations.ts";
import { mergedChange } from "./merge.ts";
import { receiveMergeGroup } from "./merge-group.ts";
import type { ProvisionerPorts } from "./ports.ts";
import { planPullRequest } from "./pull-request.ts";
import { receiveReview } from "./reviews.ts";
import { withdrawPlans } from "./supersede.ts";

const NO_COMMIT = /^0+$/;

async function receivePullRequest(ports: ProvisionerPorts, fact: Fact<"delivery.received">): Promise<void> {
  const { repository, sender, pullRequest: pull, action, fork, leavesDefaultBranch } = fact.data;
  if (pull === undefined) return;
  if (action === "closed") {
    if (!pull.merged || pull.mergeCommit === undefined) return;
    return mergedChange(ports, {
      repository,
      base: pull.baseCommit,
      mergeCommit: pull.mergeCommit,
      pullRequest: pull.number,
      cause: fact.id,
    });
  }
  if (leavesDefaultBranch === true) {
    const reason = `the pull request goes into ${pull.baseBranch} now`;
    return withdrawPlans(ports, `${repository}#${pull.number}/`, { by: fact.subject, reason });
  }
  const { id: cause, correlation } = fact;
  if (fork === true) return receiveForked(ports, { repository, sender, pull, cause, correlation });
  return planPullRequest(ports, { repository, sender, pull, cause, correlation });
}

/** Reacts to one verified delivery. `closed` with `merged` and `push` are the same merge: both lead to the same applies. */
export async function receiveDelivery(
  ports: ProvisionerPorts,
  fact: Fact<"delivery.received">,
): Promise<void> {
  const { repository, pullRequest, push, review, check, mergeGroup, installation } = fact.data;
  if (review !== undefined) return receiveReview(ports, fact);
  if (check !== undefined) return receiveCheck(ports, fact);
  if (mergeGroup !== undefined) return receiveMergeGroup(ports, fact);
  if (installation !== undefined) return receiveInstallation(ports, fact);
  if (pullRequest !== undefined) return receivePullRequest(ports, fact);
  if (push === undefined || NO_COMMIT.test(push.after)) return;
  return mergedChange(ports, {
    repository,
    base: NO_COMMIT.test(push.before) ? undefined : push.before,
    mergeCommit: push.after,
    pullRequest: undefined,
    cause: fact.id,
  });
}
