// Payloads of the code host's events, cut to what is read. Fields: https://docs.github.com/webhooks/webhook-events-and-payloads.
import { Type } from "typebox";

const Login = Type.String({ minLength: 1, maxLength: 100 });
const Commit = Type.String({ pattern: "^[0-9a-f]{40}$" });
const Branch = Type.String({ minLength: 1, maxLength: 255 });
const Action = Type.String({ minLength: 1, maxLength: 100 });
const Number = Type.Integer({ minimum: 1 });
const FullName = Type.String({ pattern: "^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$" });
/** Ids are numbers on the wire; a reader that keeps large ones as text is welcome too. */
const NumericId = Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: "^[0-9]{1,20}$" })]);

/** Repositories of one installation event: GitHub lists them all. */
export const INSTALLATION_REPOSITORIES_MAX = 5_000;

const Repository = Type.Object({ id: NumericId, full_name: FullName, default_branch: Branch });
const Sender = Type.Object({ login: Login });
const Head = Type.Object({ sha: Commit, repo: Type.Union([Type.Object({ id: NumericId }), Type.Null()]) });
const Base = Type.Object({ sha: Commit, ref: Branch });
const About = { repository: Repository, sender: Sender };

/** `pull_request`. */
export const PullRequestPayload = Type.Object({
  action: Action,
  number: Number,
  pull_request: Type.Object({
    merged: Type.Boolean(),
    merge_commit_sha: Type.Union([Commit, Type.Null()]),
    draft: Type.Optional(Type.Boolean()),
    user: Type.Object({ login: Login }),
    head: Head,
    base: Base,
  }),
  changes: Type.Optional(
    Type.Object({ base: Type.Optional(Type.Object({ ref: Type.Object({ from: Branch }) })) }),
  ),
  ...About,
});

/** `pull_request_review`. Its pull request is cut short: it does not say whether it is merged. */
export const ReviewPayload = Type.Object({
  action: Action,
  review: Type.Object({
    id: NumericId,
    state: Type.String({ maxLength: 100 }),
    commit_id: Type.Union([Commit, Type.Null()]),
    submitted_at: Type.Union([Type.String({ maxLength: 40 }), Type.Null()]),
    user: Type.Union([Type.Object({ login: Login }), Type.Null()]),
  }),
  pull_request: Type.Object({ number: Number, user: Type.Object({ login: Login }), head: Head, base: Base }),
  ...About,
});

/** `check_run`. */
export const CheckRunPayload = Type.Object({
  action: Action,
  check_run: Type.Object({
    external_id: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]),
    head_sha: Commit,
  }),
  requested_action: Type.Optional(Type.Object({ identifier: Type.String({ maxLength: 20 }) })),
  ...About,
});

/** `check_suite`. */
export const CheckSuitePayload = Type.Object({
  action: Action,
  check_suite: Type.Object({
    head_sha: Commit,
    pull_requests: Type.Array(Type.Object({ number: Number }), { maxItems: 100 }),
  }),
  ...About,
});

/** `merge_group`. */
export const MergeGroupPayload = Type.Object({
  action: Action,
  reason: Type.Optional(Type.String({ maxLength: 100 })),
  merge_group: Type.Object({
    head_sha: Commit,
    head_ref: Type.String({ maxLength: 300 }),
    base_sha: Commit,
    base_ref: Type.String({ maxLength: 300 }),
  }),
  ...About,
});

const Repositories = Type.Optional(
  Type.Array(Type.Object({ full_name: FullName }), { maxItems: INSTALLATION_REPOSITORIES_MAX }),
);

/** `installation` and `installation_repositories`. */
export const InstallationPayload = Type.Object({
  action: Action,
  installation: Type.Object({ id: NumericId, account: Type.Object({ login: Login }) }),
  repositories: Repositories,
  repositories_added: Repositories,
  repositories_removed: Repositories,
  sender: Sender,
});

/** `push`. */
export const PushPayload = Type.Object({
  ref: Type.String({ minLength: 1, maxLength: 300 }),
  before: Commit,
  after: Commit,
  ...About,
});
