// A dataset: its immutable versions, made by a run or declared by a person.
import { requireContentDigest, requireUri } from "./content-digest.ts";
import { type Decider, type Decision, happens, ignored } from "./decider.ts";
import { ControlPlaneError, invalidArgument } from "./errors.ts";
import type { FactOf } from "./fact.ts";
import type { FactData } from "./facts.ts";
import { formatName, lastId, requireName } from "./names.ts";
import { nextVersionId } from "./version-ids.ts";

/** Inputs that one version may name. */
export const DATASET_INPUTS_MAX = 100;

/** What becomes a version: everything but its final name. */
export interface DatasetVersionRequest extends Omit<
  FactData<"dataset-version.created">,
  "datasetVersion" | "sameContentAs"
> {
  /** Name of the dataset. */
  readonly dataset: string;
  /** The caller's own id; absent: the next integer. */
  readonly versionId?: string;
}

/** What may be asked of a dataset. A request with `run` is answered by the version that this run made, if there is one. */
export type DatasetInput = { readonly kind: "create" } & DatasetVersionRequest;

/** All versions of one dataset, by full name. */
export interface DatasetState {
  readonly versions: ReadonlyMap<string, FactData<"dataset-version.created">>;
}

/** The version that this run made, if it made one. */
export function versionOfRun(state: DatasetState, run: string): string | undefined {
  for (const [name, version] of state.versions) if (version.run === run) return name;
  return undefined;
}

function requireRequest(input: DatasetVersionRequest): void {
  requireUri(input.uri, "uri");
  requireContentDigest(input.digest, "digest");
  if (input.inputs.length > DATASET_INPUTS_MAX) {
    throw invalidArgument(
      "inputs",
      `inputs has ${input.inputs.length} entries; at most ${DATASET_INPUTS_MAX} are kept.`,
    );
  }
  if (input.run !== undefined) requireName("run", input.run, "run");
}

/** Refuses other content under a known name; otherwise the version is there already. */
function known(
  datasetVersion: string,
  existing: string,
  digest: string,
): Decision<"dataset-version.created"> {
  if (existing === digest) return ignored(`${datasetVersion} exists with this content already.`);
  throw new ControlPlaneError(
    "ALREADY_EXISTS",
    `${datasetVersion} exists with content ${existing}, not ${digest}. A version never changes: use another version id, or leave the id out to get the next integer.`,
    {
      reason: "VERSION_HAS_OTHER_CONTENT",
      field: "versionId",
      metadata: { datasetVersion, existing, requested: digest },
    },
  );
}

/**
 * Names that the next integer must step over: those that are there, and those that the version says it was made from. A run may
 * name a version that nobody has made yet, and must not become that version itself.
 */
function taken({ versions }: DatasetState, { dataset, inputs }: DatasetInput): readonly string[] {
  return [...versions.keys(), ...inputs.filter((input) => input.startsWith(`${dataset}/versions/`))];
}

function decide(state: DatasetState, input: DatasetInput): Decision<"dataset-version.created"> {
  const { team, dataset } = requireName("dataset", input.dataset, "dataset");
  requireRequest(input);
  const made = input.run === undefined ? undefined : versionOfRun(state, input.run);
  if (made !== undefined) return known(made, state.versions.get(made)?.digest ?? "", input.digest);
  const version = input.versionId ?? nextVersionId(taken(state, input).map(lastId));
  const datasetVersion = formatName("datasetVersion", { team, dataset, version });
  const existing = state.versions.get(datasetVersion);
  if (existing !== undefined) return known(datasetVersion, existing.digest, input.digest);
  if (input.inputs.includes(datasetVersion)) {
    throw invalidArgument(
      "inputs",
      `${datasetVersion} cannot be made from itself: name the version it was made from.`,
    );
  }
  const twin = [...state.versions.values()].find((other) => other.digest === input.digest);
  const data: FactData<"dataset-version.created"> = {
    datasetVersion,
    uri: input.uri,
    digest: input.digest,
    ...(input.run === undefined ? {} : { run: input.run }),
    inputs: input.inputs,
    ...(input.commit === undefined ? {} : { commit: input.commit }),
    ...(input.rows === undefined ? {} : { rows: input.rows }),
    ...(twin === undefined ? {} : { sameContentAs: twin.sameContentAs ?? twin.datasetVersion }),
  };
  return happens([{ type: "dataset-version.created", data }]);
}

/** A dataset only grows: each accepted request is one more version. */
export const dataset: Decider<DatasetState, DatasetInput, "dataset-version.created"> = {
  initial: { versions: new Map() },
  decide,
  evolve: (state: DatasetState, fact: FactOf<"dataset-version.created">) => ({
    versions: new Map(state.versions).set(fact.data.datasetVersion, fact.data),
  }),
};
