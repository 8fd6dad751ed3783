// Facts of the second and third journeys: a model version is registered, rolled out, and taken back.
import Type from "typebox";

const Text = Type.String();
const Texts = Type.Array(Type.String());
const Count = Type.Integer({ minimum: 0 });
const Weights = Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 100 }));

/** Where an artifact lies and what its bytes are. */
export const Artifact = Type.Object({
  uri: Text,
  /** `sha256:<hex>` of a file or `tree-sha256:<hex>` of a folder. */
  digest: Text,
});

/** How a version of an endpoint is served, resolved from the user's configuration. */
export const Serving = Type.Object({
  manifests: Type.Optional(Text),
  parameters: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  local: Type.Optional(Type.Object({ command: Texts, readiness: Text })),
  /** Folder of the repository at the commit in which `command` runs. */
  directory: Text,
});

/** Counts of one arm of a canary. */
export const ArmCounts = Type.Object({ requests: Count, errors: Count });

/** The kinds of traffic moves. */
export const MoveKind = Type.Union([
  Type.Literal("first"),
  Type.Literal("advance"),
  Type.Literal("rollback"),
  Type.Literal("abort"),
  Type.Literal("replace"),
]);

/** Facts on models, endpoints (`teams/{t}/endpoints/{e}`) and rollouts (`…/rollouts/{r}`). */
export const FACTS_OF_SERVING = {
  "model-version.created": Type.Object({
    modelVersion: Text,
    artifact: Artifact,
    trainingRun: Type.Optional(Text),
    datasets: Texts,
    commit: Type.Optional(Text),
    metrics: Type.Record(Type.String(), Type.Number()),
    endpoint: Type.Optional(Text),
    sameContentAs: Type.Optional(Text),
  }),
  "model-version.verified": Type.Object({
    modelVersion: Text,
    artifact: Artifact,
    endpoint: Type.Optional(Text),
  }),
  "model-version.rejected": Type.Object({ modelVersion: Text, reason: Text, message: Text }),
  "model-version.quarantined": Type.Object({ modelVersion: Text, reason: Text }),

  "endpoint.configured": Type.Object({
    repository: Text,
    commit: Text,
    /** First-parent count of the commit: an older merge that is heard of later configures nothing. */
    mergeOrder: Type.Optional(Count),
    serving: Serving,
    /** The policy as the user wrote it (already checked); resolved in full when a rollout starts. */
    rollout: Type.Unknown(),
    standbyMs: Count,
  }),
  "endpoint.held": Type.Object({ reason: Text, epoch: Type.Optional(Count) }),
  "endpoint.resumed": Type.Object({ reason: Text }),
  /** Whose turn it is. Not held and nothing running: the oldest waiting rollout runs. */
  "endpoint.queue-changed": Type.Object({
    running: Type.Union([Text, Type.Null()]),
    waiting: Texts,
    /** The waiting rollout for which the running one makes room. */
    replacing: Type.Optional(Text),
    /** Rollouts that waited and were replaced before their turn came. */
    dropped: Type.Optional(Texts),
  }),

  "rollout.queued": Type.Object({
    endpoint: Text,
    modelVersion: Text,
    artifact: Artifact,
    /** From 1; only an explicit retry makes a second attempt. */
    attempt: Type.Integer({ minimum: 1 }),
    /** Whether it takes the place of what runs and waits instead of queuing behind it. */
    replaces: Type.Optional(Type.Boolean()),
    /** Whether the endpoint was not configured yet when the version was registered: it waits for that. */
    unconfigured: Type.Optional(Type.Boolean()),
  }),
  "rollout.started": Type.Object({
    endpoint: Text,
    modelVersion: Text,
    artifact: Artifact,
    /** The version that holds the traffic now; null for the first version of an endpoint. */
    previous: Type.Union([Text, Type.Null()]),
    serving: Serving,
    repository: Text,
    commit: Text,
    /** The whole policy, resolved: later defaults do not change this rollout. */
    policy: Type.Unknown(),
    standbyMs: Count,
    deadline: Text,
  }),
  "release.prepared": Type.Object({ modelVersion: Text, backend: Text, durationMs: Count }),
  "release.failed": Type.Object({ modelVersion: Text, reason: Text, message: Text, nextStep: Text }),
  "rollout.claimed": Type.Object({ execution: Text }),
  "rollout.step-changed": Type.Object({ step: Count, weight: Count, epoch: Count, override: Type.Boolean() }),
  "rollout.paused": Type.Object({ paused: Type.Boolean(), reason: Text }),
  "rollout.judged": Type.Object({
    verdict: Type.Union([Type.Literal("pass"), Type.Literal("fail"), Type.Literal("inconclusive")]),
    step: Count,
    control: ArmCounts,
    canary: ArmCounts,
    eValues: Type.Record(Type.String(), Type.Number()),
    sentence: Text,
  }),
  "rollout.promoted": Type.Object({ modelVersion: Text, epoch: Count, override: Type.Boolean() }),
  "rollout.rolled-back": Type.Object({
    modelVersion: Text,
    /** What took it back. */
    trigger: Type.Union([
      Type.Literal("judge"),
      Type.Literal("inconclusive"),
      Type.Literal("person"),
      Type.Literal("timer"),
      Type.Literal("release-failed"),
      Type.Literal("execution-failed"),
    ]),
    reason: Text,
    epoch: Type.Optional(Count),
  }),
  "rollout.aborted": Type.Object({ modelVersion: Text, reason: Text, epoch: Type.Optional(Count) }),

  /** An observation of the traffic document: never ignored. */
  "traffic.moved": Type.Object({
    epoch: Type.Integer({ minimum: 1 }),
    kind: MoveKind,
    moveCause: Text,
    requestId: Type.Optional(Text),
    reason: Text,
    from: Weights,
    to: Weights,
    movedAt: Text,
  }),
  "traffic.history-gap": Type.Object({ afterEpoch: Count, beforeEpoch: Count }),
} as const;
