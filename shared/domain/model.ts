// A model: its immutable versions, each with the digest of its content, and whether they may serve.
import { requireContentDigest, requireUri } from "./content-digest.ts";
import { type Decider, type Decision, happens, ignored } from "./decider.ts";
import { ControlPlaneError, invalidArgument, notFound } from "./errors.ts";
import type { FactOf } from "./fact.ts";
import type { FactData } from "./facts.ts";
import { formatName, lastId, parseName, requireName } from "./names.ts";
import { nextVersionId } from "./version-ids.ts";

/** Datasets that one version may name. */
export const MODEL_DATASETS_MAX = 100;
/** Metrics that one version may carry. */
export const MODEL_METRICS_MAX = 200;
/** Characters of a training run, a commit or a metric's name. */
export const MODEL_TEXT_CHARACTERS_MAX = 500;

/** The facts of a model's stream. */
export type ModelFact =
  | "model-version.created"
  | "model-version.verified"
  | "model-version.rejected"
  | "model-version.quarantined";

/** What someone registers: everything about a version but its final name. */
export interface ModelVersionRequest extends Omit<
  FactData<"model-version.created">,
  "modelVersion" | "sameContentAs"
> {
  /** Name of the model. */
  readonly model: string;
  /** The caller's own id; absent: the next integer. */
  readonly versionId?: string;
}

/** What may be asked of a model. Checks of content report `verified` or `rejected`. */
export type ModelInput =
  | ({ readonly kind: "create" } & ModelVersionRequest)
  | { readonly kind: "verified"; readonly modelVersion: string }
  | {
      readonly kind: "rejected";
      readonly modelVersion: string;
      readonly reason: string;
      readonly message: string;
    }
  /** It was verified, served as the first version of an endpoint, and was judged not fit to. */
  | {
      readonly kind: "unfit";
      readonly modelVersion: string;
      readonly reason: string;
      readonly message: string;
    }
  | { readonly kind: "quarantined"; readonly modelVersion: string; readonly reason: string };

/** One version as it stands. `rejected` and `quarantined` are final: registering it again changes nothing. */
export interface ModelVersionState {
  readonly phase: "created" | "verified" | "rejected" | "quarantined";
  readonly created: FactData<"model-version.created">;
}

/** All versions of one model, by full name. */
export interface ModelState {
  readonly versions: ReadonlyMap<string, ModelVersionState>;
}

/** A mention that may be shown: no control characters, not empty, not endless. */
function requireText(text: string, field: string): void {
  if (text.length > 0 && text.length <= MODEL_TEXT_CHARACTERS_MAX && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(text))
    return;
  throw invalidArgument(
    field,
    `${field} must have 1 to ${MODEL_TEXT_CHARACTERS_MAX} characters, none of them control characters.`,
  );
}

/** Refuses a request that no later check could make true; `field` paths are those of the event's data. */
function requireRegistration(input: ModelVersionRequest): void {
  const { team } = requireName("model", input.model, "data.model");
  requireUri(input.artifact.uri, "data.artifact.uri");
  requireContentDigest(input.artifact.digest, "data.artifact.digest");
  if (input.datasets.length > MODEL_DATASETS_MAX) {
    throw invalidArgument(
      "data.datasets",
      `data.datasets has ${input.datasets.length} entries; at most ${MODEL_DATASETS_MAX} are kept.`,
    );
  }
  for (const [index, dataset] of input.datasets.entries()) {
    if (parseName("datasetVersion", dataset) === undefined) {
      throw invalidArgument(
        `data.datasets[${index}]`,
        `data.datasets[${index}] is ${JSON.stringify(dataset.slice(0, 200))}: name a dataset version, such as teams/${team}/datasets/products/versions/1. It need not be known yet.`,
        "INVALID_NAME",
      );
    }
  }
  if (input.trainingRun !== undefined) requireText(input.trainingRun, "data.trainingRun");
  if (input.commit !== undefined) requireText(input.commit, "data.commit");
  const metrics = Object.keys(input.metrics);
  if (metrics.length > MODEL_METRICS_MAX) {
    throw invalidArgument(
      "data.metrics",
      `data.metrics has ${metrics.length} entries; at most ${MODEL_METRICS_MAX} are kept.`,
    );
  }
  for (const metric of metrics) requireText(metric, "data.metrics");
  if (input.endpoint !== undefined) requireName("endpoint", input.endpoint, "data.endpoint");
}

/** The oldest version with this content, if any. */
function sameContent(state: ModelState, digest: string): string | undefined {
  for (const [name, version] of state.versions) {
    if (version.created.artifact.digest === digest) return version.created.sameContentAs ?? name;
  }
  return undefined;
}

function create(state: ModelState, input: ModelVersionRequest): Decision<ModelFact> {
  requireRegistration(input);
  const { team, model } = requireName("model", input.model, "data.model");
  const ids = [...state.versions.keys()].map(lastId);
  const modelVersion = formatName("modelVersion", {
    team,
    model,
    version: input.versionId ?? nextVersionId(ids),
  });
  const known = state.versions.get(modelVersion);
  if (known !== undefined) {
    if (known.created.artifact.digest === input.artifact.digest) {
      return ignored(`${modelVersion} is registered with this content already (${known.phase}).`);
    }
    throw new ControlPlaneError(
      "ALREADY_EXISTS",
      `${modelVersion} exists with content ${known.created.artifact.digest}, not ${input.artifact.digest}. A version never changes: register the new content under another version id, or leave the id out to get the next integer.`,
      {
        reason: "VERSION_HAS_OTHER_CONTENT",
        field: "data.version",
        metadata: {
          modelVersion,
          existing: known.created.artifact.digest,
          requested: input.artifact.digest,
        },
      },
    );
  }
  const { model: _model, versionId: _versionId, ...rest } = input;
  const twin = sameContent(state, input.artifact.digest);
  const data: FactData<"model-version.created"> = {
    modelVersion,
    artifact: rest.artifact,
    ...(rest.trainingRun === undefined ? {} : { trainingRun: rest.trainingRun }),
    datasets: rest.datasets,
    ...(rest.commit === undefined ? {} : { commit: rest.commit }),
    metrics: rest.metrics,
    ...(rest.endpoint === undefined ? {} : { endpoint: rest.endpoint }),
    ...(twin === undefined ? {} : { sameContentAs: twin }),
  };
  return happens([{ type: "model-version.created", data }]);
}

/** The same bytes under a new id do not escape a quarantine. */
function quarantinedTwin(state: ModelState, version: ModelVersionState): string | undefined {
  for (const [name, other] of state.versions) {
    if (other.phase === "quarantined" && other.created.artifact.digest === version.created.artifact.digest) {
      return name;
    }
  }
  return undefined;
}

function verified(state: ModelState, version: ModelVersionState): Decision<ModelFact> {
  const { modelVersion, artifact, endpoint } = version.created;
  const twin = quarantinedTwin(state, version);
  if (twin !== undefined) {
    const message = `Its content is the same as that of ${twin}, which is quarantined. Register content that is not under suspicion.`;
    return happens([
      {
        type: "model-version.rejected",
        data: { modelVersion, reason: "CONTENT_QUARANTINED", message },
      },
    ]);
  }
  return happens([
    {
      type: "model-version.verified",
      data: { modelVersion, artifact, ...(endpoint === undefined ? {} : { endpoint }) },
    },
  ]);
}

function decide(state: ModelState, input: ModelInput): Decision<ModelFact> {
  if (input.kind === "create") return create(state, input);
  const version = state.versions.get(input.modelVersion);
  if (version === undefined) throw notFound(input.modelVersion, "Register it first.");
  const final = version.phase === "rejected" || version.phase === "quarantined";
  if (final) return ignored(`${input.modelVersion} is ${version.phase}, which is final.`);
  if (input.kind === "quarantined") {
    const { modelVersion, reason } = input;
    return happens([{ type: "model-version.quarantined", data: { modelVersion, reason } }]);
  }
  if (version.phase === "verified" && input.kind !== "unfit")
    return ignored(`${input.modelVersion} is verified already.`);
  if (input.kind === "verified") return verified(state, version);
  const { modelVersion, reason, message } = input;
  return happens([{ type: "model-version.rejected", data: { modelVersion, reason, message } }]);
}

const PHASES = {
  "model-version.verified": "verified",
  "model-version.rejected": "rejected",
  "model-version.quarantined": "quarantined",
} as const;

function evolve(state: ModelState, fact: FactOf<ModelFact>): ModelState {
  const versions = new Map(state.versions);
  if (fact.type === "model-version.created") {
    versions.set(fact.data.modelVersion, { phase: "created", created: fact.data });
  } else {
    const known = versions.get(fact.data.modelVersion);
    if (known !== undefined) versions.set(fact.data.modelVersion, { ...known, phase: PHASES[fact.type] });
  }
  return { versions };
}

/** created → verified | rejected; created | verified → quarantined; verified → rejected as unfit. Rejected and quarantined are final. */
export const model: Decider<ModelState, ModelInput, ModelFact> = {
  initial: { versions: new Map() },
  decide,
  evolve,
  snapshots: {
    name: "model",
    schema: 1,
    freeze: ({ versions }) => ({ versions: [...versions] }),
    thaw: (kept) => ({ versions: new Map((kept as { versions: [string, ModelVersionState][] }).versions) }),
  },
};
