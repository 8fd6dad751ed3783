// What a finished run leaves behind: a version of its dataset, with where it comes from.
import type { DatasetInput } from "./dataset.ts";
import type { FactOf } from "./fact.ts";
import { inputName } from "./lineage-claims.ts";
import type { RunState } from "./run.ts";

/** The dataset version to record for a finished run, or undefined when it was not asked for one. */
export function outputOfRun(
  state: RunState,
  finished: FactOf<"run.finished">,
): { readonly stream: string; readonly input: DatasetInput } | undefined {
  if (state.phase === "absent" || state.request.dataset === undefined) return undefined;
  const { dataset, inputs, commit } = state.request;
  const { outputUri, outputDigest, rows } = finished.data;
  const input: DatasetInput = {
    kind: "create",
    dataset,
    uri: outputUri,
    digest: outputDigest,
    run: state.run,
    inputs: inputs.map(inputName),
    ...(commit === undefined ? {} : { commit }),
    ...(rows === undefined ? {} : { rows }),
  };
  return { stream: dataset, input };
}
