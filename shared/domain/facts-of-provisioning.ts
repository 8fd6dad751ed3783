// Facts of the first journey: a pull request becomes a plan, its merge becomes an apply.
import Type from "typebox";

const Text = Type.String();
const Texts = Type.Array(Type.String());
const Count = Type.Integer({ minimum: 0 });

/** A reason from a closed list, what happened in words, and what to do next. */
const Failure = {
  reason: Text,
  message: Text,
  nextStep: Text,
};

/** Counts of a plan by action, as Terraform names them. */
export const PlanCounts = Type.Object({
  create: Count,
  update: Count,
  replace: Count,
  delete: Count,
  read: Count,
});

/** One line of a plan's summary. */
export const PlannedChange = Type.Object({
  address: Text,
  action: Type.Union([
    Type.Literal("create"),
    Type.Literal("update"),
    Type.Literal("replace"),
    Type.Literal("delete"),
    Type.Literal("read"),
  ]),
  /** Attributes that change, values already redacted: `size: 2 → 3`. */
  details: Texts,
});

/** What a saved plan was made from: it may be applied only while all of this is what it was. */
export const PlanInputs = Type.Object({
  closureDigest: Text,
  configDigest: Text,
  terraformVersion: Text,
  stateSerial: Type.Integer({ minimum: -1 }),
});

/** One output of a stack after an apply; a sensitive one has no value. */
export const StackOutput = Type.Object({
  name: Text,
  sensitive: Type.Boolean(),
  value: Type.Optional(Type.Unknown()),
});

/** What a stack's configuration says, resolved; the same in the fact and in a plan's request. */
const StackSettings = {
  directory: Text,
  varFiles: Texts,
  watch: Texts,
  dependsOn: Texts,
  approvals: Count,
  approveAlways: Type.Boolean(),
  selfApproval: Type.Boolean(),
  terraformVersion: Type.Optional(Text),
  allow: Type.Object({ providers: Texts, provisioners: Texts, dataSources: Texts, modules: Texts }),
  configDigest: Text,
};

/** A pull request as a delivery showed it. */
const PullRequest = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  author: Text,
  headCommit: Text,
  baseCommit: Text,
  baseBranch: Text,
  merged: Type.Boolean(),
  mergeCommit: Type.Optional(Text),
});

/** Facts on `deliveries/{guid}`, `heads/{head}`, `stacks/{stack}` and `stacks/{stack}/plans/{plan}`. */
export const FACTS_OF_PROVISIONING = {
  /** A verified delivery of the code host that asks for work. The raw body stays in its receipt. */
  "delivery.received": Type.Object({
    event: Text,
    action: Text,
    repository: Text,
    pullRequest: Type.Optional(PullRequest),
    /** The pull request's head is in another repository. */
    fork: Type.Optional(Type.Boolean()),
    /** The pull request was edited to go into another branch than the default one. */
    leavesDefaultBranch: Type.Optional(Type.Boolean()),
    push: Type.Optional(Type.Object({ before: Text, after: Text, branch: Text })),
    /** A review that approves, or that takes an approval back. */
    review: Type.Optional(
      Type.Object({ id: Text, state: Text, commit: Text, reviewer: Text, submittedAt: Text }),
    ),
    /** A check that someone wants again, or the button of ours that was pressed on it. Without an id: all checks of the commit. */
    check: Type.Optional(
      Type.Object({
        id: Text,
        commit: Text,
        pressed: Type.Optional(Text),
        pullRequests: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
      }),
    ),
    /** What the merge queue is about to merge, or has given up. */
    mergeGroup: Type.Optional(
      Type.Object({
        headCommit: Text,
        baseCommit: Text,
        pullRequest: Type.Optional(Type.Integer({ minimum: 1 })),
      }),
    ),
    /** Repositories that we may see from now on, or no longer. `repository` is empty then. */
    installation: Type.Optional(Type.Object({ id: Text, account: Text, added: Texts, removed: Texts })),
    sender: Text,
    bodyHash: Text,
  }),

  /** Code from outside waits: nobody with the right to write has allowed this commit of the pull request yet. */
  "head.held": Type.Object({ repository: Text, sender: Text, pullRequest: PullRequest }),
  "head.allowed": Type.Object({ by: Text }),

  "stack.configured": Type.Object({
    repository: Text,
    commit: Text,
    /** First-parent count of the commit: an older merge that is heard of later configures nothing. */
    mergeOrder: Type.Optional(Type.Integer({ minimum: 0 })),
    ...StackSettings,
  }),
  "stack.blocked": Type.Object({ apply: Text, reason: Text }),
  "stack.unblocked": Type.Object({ reason: Text }),
  "stack.apply-interrupted": Type.Object({
    apply: Text,
    build: Text,
    resources: Texts,
    message: Text,
    nextStep: Text,
  }),

  "plan.requested": Type.Object({
    stack: Text,
    repository: Text,
    /** Absent for a push without a pull request. */
    pullRequest: Type.Optional(Type.Integer({ minimum: 1 })),
    /** `pull-request`: the test merge; `merge`: made again after the merge because an input had changed. */
    phase: Type.Union([Type.Literal("pull-request"), Type.Literal("merge")]),
    headCommit: Text,
    baseCommit: Text,
    /** The commit (or test-merge tree) that is planned. */
    tree: Text,
    closureDigest: Text,
    settings: Type.Object(StackSettings),
    /** A stack that the base branch does not know: planned under the strictest policy. */
    newStack: Type.Boolean(),
    authors: Texts,
    /** The plan that this one repeats after the merge. */
    repeats: Type.Optional(Text),
  }),
  "plan.started": Type.Object({ build: Text }),
  "plan.finished": Type.Object({
    build: Text,
    /** `plan-sha256:<keyId>:<hex>`: what an approval is about. */
    digest: Text,
    /** Blob with the saved plan bytes. */
    planBlob: Text,
    /** Blob with the canonical plan that the digest is of. */
    canonicalBlob: Text,
    inputs: PlanInputs,
    counts: PlanCounts,
    changes: Type.Array(PlannedChange),
    changesTruncated: Type.Boolean(),
    outputsChanged: Texts,
    approvalsRequired: Count,
    approvalReason: Text,
    durationMs: Count,
  }),
  "plan.failed": Type.Object({
    build: Type.Optional(Text),
    ...Failure,
    /** Places in files that a person can mend. */
    problems: Type.Optional(
      Type.Array(Type.Object({ path: Text, line: Count, column: Count, message: Text }), { maxItems: 50 }),
    ),
  }),
  "plan.approved": Type.Object({
    digest: Text,
    approver: Text,
    codeHostLogin: Text,
    selfApproved: Type.Boolean(),
    /** Everything that the approver is called, where that is more than one login. */
    codeHostLogins: Type.Optional(Texts),
    /** The review on the code host that this approval is. */
    review: Type.Optional(Text),
  }),
  /** The review that approved was dismissed, or its author asks for changes now. */
  "plan.approval-revoked": Type.Object({ codeHostLogin: Text, reason: Text }),
  "plan.superseded": Type.Object({ by: Text, reason: Text }),

  "apply.requested": Type.Object({
    apply: Text,
    repository: Text,
    /** Absent for a push without a pull request. */
    pullRequest: Type.Optional(Type.Integer({ minimum: 1 })),
    mergeCommit: Text,
    /** Position of the merge on the default branch: applies of a stack run in this order. */
    mergeOrder: Count,
    /** The reviewed plan of the same content, if there is one. */
    plan: Type.Optional(Text),
    /** Applies of the same merge that must finish first. */
    after: Texts,
    closureDigest: Text,
  }),
  "apply.started": Type.Object({ apply: Text, plan: Text, digest: Text, build: Text }),
  "apply.finished": Type.Object({
    apply: Text,
    plan: Text,
    build: Text,
    mergeCommit: Text,
    counts: PlanCounts,
    outputs: Type.Array(StackOutput),
    stateSerial: Type.Integer({ minimum: -1 }),
    durationMs: Count,
  }),
  "apply.failed": Type.Object({ apply: Text, plan: Text, build: Type.Optional(Text), ...Failure }),
} as const;
