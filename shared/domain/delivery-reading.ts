// What each event of the code host asks for. Anything that we do not act on is ignored with a reason.
import type { Static } from "typebox";
import type {
  CheckRunPayload,
  CheckSuitePayload,
  InstallationPayload,
  MergeGroupPayload,
  PullRequestPayload,
  PushPayload,
  ReviewPayload,
} from "./delivery-payloads.ts";
import type { FactData } from "./facts.ts";

/** What a delivery says, read once: the fact's data, why it is ignored, or why it cannot be read. */
export type DeliveryReading =
  | { readonly kind: "accepted"; readonly data: FactData<"delivery.received"> }
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

type Data = FactData<"delivery.received">;

/** Actions of `pull_request` that change what is planned or applied. `closed` with `merged` is the merge. */
const PULL_REQUEST_ACTIONS: ReadonlySet<string> = new Set([
  "opened",
  "reopened",
  "synchronize",
  "closed",
  "edited",
  "ready_for_review",
]);
const BRANCHES = "refs/heads/";
/** What `push` names as the commit before a branch existed or after it is gone. */
const NO_COMMIT = "0000000000000000000000000000000000000000";

/** Nothing follows, because … */
export const skipped = (reason: string): DeliveryReading => ({ kind: "ignored", reason });

const accepted = (data: Data): DeliveryReading => ({ kind: "accepted", data });

interface Sides {
  readonly head: { readonly repo: { readonly id: number | string } | null };
}

const isFork = ({ head }: Sides, repository: { readonly id: number | string }): boolean =>
  head.repo === null || String(head.repo.id) !== String(repository.id);

/** `pull_request`. */
export function readPullRequest(
  payload: Static<typeof PullRequestPayload>,
  bodyHash: string,
): DeliveryReading {
  const { action, number, pull_request: pull, changes, repository, sender } = payload;
  const movedFrom = changes?.base?.ref.from;
  if (!PULL_REQUEST_ACTIONS.has(action) || (action === "edited" && movedFrom === undefined))
    return skipped(`pull_request.${action} changes neither plan nor apply`);
  const { default_branch: branch } = repository;
  const leaves = pull.base.ref !== branch && movedFrom === branch;
  if (pull.base.ref !== branch && !leaves)
    return skipped(`it goes into ${pull.base.ref}; only ${branch} is planned and applied`);
  if (pull.draft === true && action !== "closed" && !leaves)
    return skipped("it is a draft: it is planned once it is ready for review");
  if (pull.merged && pull.merge_commit_sha === null)
    return { kind: "refused", reason: "it is merged but names no merge_commit_sha" };
  return accepted({
    event: "pull_request",
    action,
    repository: repository.full_name,
    pullRequest: {
      number,
      author: pull.user.login,
      headCommit: pull.head.sha,
      baseCommit: pull.base.sha,
      baseBranch: pull.base.ref,
      merged: pull.merged,
      // Before the merge this is GitHub's test merge, which nobody may take for the merge.
      ...(pull.merged && pull.merge_commit_sha !== null ? { mergeCommit: pull.merge_commit_sha } : {}),
    },
    ...(isFork(pull, repository) ? { fork: true } : {}),
    ...(leaves ? { leavesDefaultBranch: true } : {}),
    sender: sender.login,
    bodyHash,
  });
}

/** `push`. */
export function readPush(payload: Static<typeof PushPayload>, bodyHash: string): DeliveryReading {
  const { ref, before, after, repository, sender } = payload;
  if (ref !== `${BRANCHES}${repository.default_branch}`)
    return skipped(`it pushes ${ref}, not the default branch ${repository.default_branch}`);
  if (after === NO_COMMIT) return skipped("it deletes the branch");
  const push = { before, after, branch: repository.default_branch };
  const about = { repository: repository.full_name, sender: sender.login, bodyHash };
  return accepted({ event: "push", action: "", push, ...about });
}

/** `pull_request_review`: what approves, and what takes an approval back. */
export function readReview(payload: Static<typeof ReviewPayload>, bodyHash: string): DeliveryReading {
  const { action, review, pull_request: pull, repository, sender } = payload;
  const state = action === "dismissed" ? "dismissed" : review.state;
  if (action !== "dismissed" && action !== "submitted")
    return skipped(`pull_request_review.${action} neither approves nor takes an approval back`);
  if (state !== "approved" && state !== "changes_requested" && state !== "dismissed")
    return skipped(`a review that is ${state} is no approval`);
  if (review.user === null || review.commit_id === null || review.submitted_at === null)
    return skipped("the review names no person, time or commit");
  if (pull.base.ref !== repository.default_branch)
    return skipped(`it goes into ${pull.base.ref}; only ${repository.default_branch} is planned`);
  return accepted({
    event: "pull_request_review",
    action,
    repository: repository.full_name,
    pullRequest: {
      number: pull.number,
      author: pull.user.login,
      headCommit: pull.head.sha,
      baseCommit: pull.base.sha,
      baseBranch: pull.base.ref,
      merged: false,
    },
    ...(isFork(pull, repository) ? { fork: true } : {}),
    review: {
      id: String(review.id),
      state,
      commit: review.commit_id,
      reviewer: review.user.login,
      submittedAt: review.submitted_at,
    },
    sender: sender.login,
    bodyHash,
  });
}

/** `check_run`: someone asks to check again, or presses a button of ours. */
export function readCheckRun(payload: Static<typeof CheckRunPayload>, bodyHash: string): DeliveryReading {
  const { action, check_run: run, requested_action: pressed, repository, sender } = payload;
  if (action !== "rerequested" && action !== "requested_action")
    return skipped(`check_run.${action} asks for nothing`);
  if (run.external_id === null || run.external_id === "") return skipped("the check is none of ours");
  return accepted({
    event: "check_run",
    action,
    repository: repository.full_name,
    check: {
      id: run.external_id,
      commit: run.head_sha,
      ...(pressed === undefined ? {} : { pressed: pressed.identifier }),
    },
    sender: sender.login,
    bodyHash,
  });
}

/** `check_suite`: someone asks for all checks again. */
export function readCheckSuite(payload: Static<typeof CheckSuitePayload>, bodyHash: string): DeliveryReading {
  const { action, check_suite: suite, repository, sender } = payload;
  if (action !== "rerequested") return skipped(`check_suite.${action} asks for nothing`);
  return accepted({
    event: "check_suite",
    action,
    repository: repository.full_name,
    check: { id: "", commit: suite.head_sha, pullRequests: suite.pull_requests.map(({ number }) => number) },
    sender: sender.login,
    bodyHash,
  });
}

const QUEUED_PULL = /\/pr-([0-9]{1,15})-[0-9a-f]{40}$/;

/** `merge_group`: the merge queue asks about what it is about to merge, or gives it up. */
export function readMergeGroup(payload: Static<typeof MergeGroupPayload>, bodyHash: string): DeliveryReading {
  const { action, reason, merge_group: group, repository, sender } = payload;
  if (action !== "checks_requested" && action !== "destroyed")
    return skipped(`merge_group.${action} asks for nothing`);
  if (group.base_ref !== `${BRANCHES}${repository.default_branch}`)
    return skipped(`it goes into ${group.base_ref}, not into ${repository.default_branch}`);
  if (action === "destroyed" && reason === "merged")
    return skipped("it was merged: the merge is a delivery of its own");
  const [, pull] = QUEUED_PULL.exec(group.head_ref) ?? [];
  return accepted({
    event: "merge_group",
    action,
    repository: repository.full_name,
    mergeGroup: {
      headCommit: group.head_sha,
      baseCommit: group.base_sha,
      ...(pull === undefined ? {} : { pullRequest: Number(pull) }),
    },
    sender: sender.login,
    bodyHash,
  });
}

/** `installation` and `installation_repositories`: which repositories we may see, from now on. */
export function readInstallation(
  event: string,
  payload: Static<typeof InstallationPayload>,
  bodyHash: string,
): DeliveryReading {
  const { action, installation, sender } = payload;
  const names = (list: typeof payload.repositories): string[] =>
    (list ?? []).map(({ full_name: name }) => name);
  const isGone = action === "deleted" || action === "suspend";
  if (event === "installation" && !["created", "unsuspend"].includes(action) && !isGone)
    return skipped(`installation.${action} changes no repository`);
  const named = names(payload.repositories);
  return accepted({
    event,
    action,
    repository: "",
    installation: {
      id: String(installation.id),
      account: installation.account.login,
      added: event === "installation" ? (isGone ? [] : named) : names(payload.repositories_added),
      removed: event === "installation" ? (isGone ? named : []) : names(payload.repositories_removed),
    },
    sender: sender.login,
    bodyHash,
  });
}
