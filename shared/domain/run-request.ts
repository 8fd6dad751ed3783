// What a run may ask for, checked once, wherever the request came from.
import canonicalize from "canonicalize";
import { requireContentDigest, requireUri } from "./content-digest.ts";
import { requireNoCredential } from "./credentials.ts";
import { invalidArgument } from "./errors.ts";
import type { FactData } from "./facts.ts";
import { requireName } from "./names.ts";

/** Characters of an entrypoint: a shell command line for the head. */
export const RUN_ENTRYPOINT_CHARACTERS_MAX = 8_192;
/** Inputs that one run may name. */
export const RUN_INPUTS_MAX = 100;
/** Characters of the runtime environment as JSON. */
export const RUN_ENVIRONMENT_CHARACTERS_MAX = 65_536;
/** Longest time limit: a week. */
export const RUN_TIME_LIMIT_SECONDS_MAX = 7 * 24 * 3_600;
/** Time limit when the request names none. */
export const RUN_TIME_LIMIT_SECONDS_DEFAULT = 3_600;

type RunRequest = FactData<"run.requested">;

/** Whether two requests ask for the same, whatever the order of their keys. */
export function sameRequest(one: RunRequest, other: RunRequest): boolean {
  return canonicalize(one) === canonicalize(other);
}

function requireInput(input: RunRequest["inputs"][number], field: string): void {
  if (input.datasetVersion !== undefined) {
    requireName("datasetVersion", input.datasetVersion, `${field}.datasetVersion`);
    if (input.uri === undefined && input.digest === undefined) return;
    throw invalidArgument(
      field,
      `${field} names a dataset version and a URI: keep one, the version knows its URI.`,
    );
  }
  if (input.uri === undefined || input.digest === undefined) {
    throw invalidArgument(
      field,
      `${field} must be a datasetVersion, or a uri with its digest, so that lineage knows what was read.`,
    );
  }
  requireUri(input.uri, `${field}.uri`);
  requireContentDigest(input.digest, `${field}.digest`);
}

/** Refuses a request that could not be run, naming the field and the remedy. */
export function requireRunRequest(run: string, request: RunRequest): void {
  requireName("run", run, "run");
  const { entrypoint } = request;
  if (
    entrypoint.trim() === "" ||
    entrypoint.length > RUN_ENTRYPOINT_CHARACTERS_MAX ||
    entrypoint.includes("\0")
  ) {
    throw invalidArgument(
      "entrypoint",
      `entrypoint must be a command line of 1 to ${RUN_ENTRYPOINT_CHARACTERS_MAX} characters, such as: python process.py.`,
    );
  }
  requireNoCredential(entrypoint, "entrypoint");
  requireNoCredential(request.runtimeEnvironment, "runtimeEnvironment");
  const environment = canonicalize(request.runtimeEnvironment) ?? "";
  if (environment.length > RUN_ENVIRONMENT_CHARACTERS_MAX) {
    throw invalidArgument(
      "runtimeEnvironment",
      `runtimeEnvironment has ${environment.length} characters of JSON, of at most ${RUN_ENVIRONMENT_CHARACTERS_MAX}: put files where the job can read them.`,
    );
  }
  if (request.inputs.length > RUN_INPUTS_MAX) {
    throw invalidArgument(
      "inputs",
      `inputs has ${request.inputs.length} entries; at most ${RUN_INPUTS_MAX} are kept.`,
    );
  }
  for (const [index, input] of request.inputs.entries()) requireInput(input, `inputs[${index}]`);
  requireUri(request.outputUri, "outputUri");
  if (request.dataset !== undefined) requireName("dataset", request.dataset, "dataset");
  if (request.commit !== undefined && !/^[\x21-\x7e]{1,200}$/.test(request.commit)) {
    throw invalidArgument("commit", "commit must be a commit id of 1 to 200 printable characters.");
  }
  const limit = request.timeLimitSeconds;
  if (!Number.isInteger(limit) || limit < 1 || limit > RUN_TIME_LIMIT_SECONDS_MAX) {
    throw invalidArgument(
      "timeLimitSeconds",
      `timeLimitSeconds must be a whole number from 1 to ${RUN_TIME_LIMIT_SECONDS_MAX} (a week).`,
    );
  }
}
