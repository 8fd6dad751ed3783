// What a verified delivery of the code host asks for. Anything that we do not act on is ignored with a reason.
// Payload fields: https://docs.github.com/webhooks/webhook-events-and-payloads; only what is used is read.
import { type Static, type TSchema, Type } from "typebox";
import { Value } from "typebox/value";
import { type Decider, happens, ignored } from "./decider.ts";
import { shortHash } from "./fact.ts";
import type { FactData } from "./facts.ts";

/** Events that are read; every other is recorded and ignored. */
export const TAKEN_EVENTS: ReadonlySet<string> = new Set(["ping", "pull_request", "push"]);

/** Actions of `pull_request` that change what is planned or applied. `closed` with `merged` is the merge. */
const PULL_REQUEST_ACTIONS: ReadonlySet<string> = new Set(["opened", "reopened", "synchronize", "closed"]);

const BRANCHES = "refs/heads/";
/** What `push` names as the commit before a branch existed or after it is gone. */
const NO_COMMIT = "0000000000000000000000000000000000000000";

const Login = Type.String({ minLength: 1, maxLength: 100 });
const Commit = Type.String({ pattern: "^[0-9a-f]{40}$" });
const Branch = Type.String({ minLength: 1, maxLength: 255 });
/** Ids are numbers on the wire; a reader that keeps large ones as text is welcome too. */
const NumericId = Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: "^[0-9]{1,20}$" })]);

const Repository = Type.Object({
  id: NumericId,
  full_name: Type.String({ pattern: "^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$" }),
  default_branch: Branch,
});
const Sender = Type.Object({ login: Login });

const PullRequestPayload = Type.Object({
  action: Type.String({ minLength: 1, maxLength: 100 }),
  number: Type.Integer({ minimum: 1 }),
  pull_request: Type.Object({
    merged: Type.Boolean(),
    merge_commit_sha: Type.Union([Commit, Type.Null()]),
    user: Type.Object({ login: Login }),
    head: Type.Object({ sha: Commit, repo: Type.Union([Type.Object({ id: NumericId }), Type.Null()]) }),
    base: Type.Object({ sha: Commit, ref: Branch }),
  }),
  repository: Repository,
  sender: Sender,
});

const PushPayload = Type.Object({
  ref: Type.String({ minLength: 1, maxLength: 300 }),
  before: Commit,
  after: Commit,
  repository: Repository,
  sender: Sender,
});

/** What a delivery says, read once: the fact's data, why it is ignored, or why it cannot be read. */
export type DeliveryReading =
  | { readonly kind: "accepted"; readonly data: FactData<"delivery.received"> }
  | { readonly kind: "ignored"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

const skipped = (reason: string): DeliveryReading => ({ kind: "ignored", reason });

function refused(event: string, schema: TSchema, payload: unknown): DeliveryReading {
  const [error] = Value.Errors(schema, payload);
  const where = error?.instancePath.slice(1).replaceAll("/", ".") || "body";
  return {
    kind: "refused",
    reason: `the body is not that of a ${event} event: ${where} ${error?.message ?? "is wrong"}`,
  };
}

function readPullRequest(payload: Static<typeof PullRequestPayload>, bodyHash: string): DeliveryReading {
  const { action, number, pull_request: pull, repository, sender } = payload;
  if (!PULL_REQUEST_ACTIONS.has(action))
    return skipped(`pull_request.${action} changes neither plan nor apply`);
  if (pull.base.ref !== repository.default_branch) {
    return skipped(`it goes into ${pull.base.ref}; only ${repository.default_branch} is planned and applied`);
  }
  const fork = pull.head.repo === null || String(pull.head.repo.id) !== String(repository.id);
  if (fork && !pull.merged) return skipped("it comes from a fork, and code of a fork is not planned");
  if (pull.merged && pull.merge_commit_sha === null) {
    return { kind: "refused", reason: "it is merged but names no merge_commit_sha" };
  }
  const data: FactData<"delivery.received"> = {
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
    sender: sender.login,
    bodyHash,
  };
  return { kind: "accepted", data };
}

function readPush(payload: Static<typeof PushPayload>, bodyHash: string): DeliveryReading {
  const { ref, before, after, repository, sender } = payload;
  if (ref !== `${BRANCHES}${repository.default_branch}`)
    return skipped(`it pushes ${ref}, not the default branch ${repository.default_branch}`);
  if (after === NO_COMMIT) return skipped("it deletes the branch");
  const push = { before, after, branch: repository.default_branch };
  return {
    kind: "accepted",
    data: {
      event: "push",
      action: "",
      repository: repository.full_name,
      push,
      sender: sender.login,
      bodyHash,
    },
  };
}

/** Reads a parsed payload as the event that its header names. Signed content of another event is refused by its shape. */
export function readDelivery(event: string, payload: unknown, bodyHash: string): DeliveryReading {
  switch (event) {
    case "ping":
      return skipped("a ping asks for nothing");
    case "pull_request":
      return Value.Check(PullRequestPayload, payload)
        ? readPullRequest(payload, bodyHash)
        : refused(event, PullRequestPayload, payload);
    case "push":
      return Value.Check(PushPayload, payload)
        ? readPush(payload, bodyHash)
        : refused(event, PushPayload, payload);
    default:
      return skipped(`${event} events are not acted on`);
  }
}

/** A trace that everything which follows from a delivery is part of; derived, so that a retry continues it. */
export function deliveryTrace(guid: string): string {
  const id = shortHash("delivery", guid) + shortHash("trace", guid) + shortHash("id", guid);
  return `00-${id.slice(0, 32)}-${shortHash("span", guid).padEnd(16, "0")}-01`;
}

/** Whether the delivery was recorded. */
export interface DeliveryState {
  readonly received: boolean;
}

/** The rule of one delivery: it is received once, or ignored with the reason that reading it gave. */
export const delivery: Decider<DeliveryState, DeliveryReading, "delivery.received"> = {
  initial: { received: false },
  decide: (state, reading) => {
    if (state.received) return ignored("this delivery was received already");
    if (reading.kind !== "accepted") return ignored(reading.reason);
    return happens([{ type: "delivery.received", data: reading.data }]);
  },
  evolve: () => ({ received: true }),
};
