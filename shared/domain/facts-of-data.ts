// Facts of Ray runs and of the datasets they make; and the tick of a durable timer.
import Type from "typebox";

const Text = Type.String();
const Texts = Type.Array(Type.String());
const Count = Type.Integer({ minimum: 0 });

/** What a run reads: a dataset version by name, or a URI whose digest is declared. */
export const RunInput = Type.Object({
  datasetVersion: Type.Optional(Text),
  uri: Type.Optional(Text),
  digest: Type.Optional(Text),
});

/** Facts on `teams/{t}/runs/{r}` and `teams/{t}/datasets/{d}`. */
export const FACTS_OF_DATA = {
  "run.requested": Type.Object({
    entrypoint: Text,
    /** Ray's runtime environment, passed through unchanged. */
    runtimeEnvironment: Type.Record(Type.String(), Type.Unknown()),
    inputs: Type.Array(RunInput),
    outputUri: Text,
    /** The dataset that the output becomes a version of, if any. */
    dataset: Type.Optional(Text),
    commit: Type.Optional(Text),
    timeLimitSeconds: Type.Integer({ minimum: 1 }),
  }),
  "run.claimed": Type.Object({ execution: Text }),
  "run.submitted": Type.Object({ submissionId: Text, address: Text }),
  "run.finished": Type.Object({
    outputDigest: Text,
    outputUri: Text,
    rows: Type.Optional(Count),
    datasetVersion: Type.Optional(Text),
    durationMs: Count,
  }),
  "run.failed": Type.Object({ reason: Text, message: Text, nextStep: Text }),
  "run.cancelled": Type.Object({ reason: Text }),
  "run.timed-out": Type.Object({ timeLimitSeconds: Count }),
  "run.lost": Type.Object({ message: Text, nextStep: Text }),
  "dataset-version.created": Type.Object({
    datasetVersion: Text,
    uri: Text,
    digest: Text,
    /** The run that made it; absent when it was declared. */
    run: Type.Optional(Text),
    inputs: Texts,
    commit: Type.Optional(Text),
    rows: Type.Optional(Count),
    sameContentAs: Type.Optional(Text),
  }),
  /** A durable timer came due. Published, never stored in a stream: whoever listens records only what changes. */
  "timer.due": Type.Object({ name: Text, due: Text }),
} as const;
