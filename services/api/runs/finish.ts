// The last call of the workflow `data-run`: what the job wrote becomes content with a digest, and a version of its dataset.
import { dataset, versionOfRun } from "../../../shared/domain/dataset.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import type { FactOf } from "../../../shared/domain/fact.ts";
import type { FactData } from "../../../shared/domain/facts.ts";
import { isEnded, run, type RunState } from "../../../shared/domain/run.ts";
import { outputOfRun } from "../../../shared/domain/run-output.ts";
import { DIGEST_NOT_KNOWN_YET } from "../../../shared/ports/artifacts.ts";
import { load, record } from "../../../shared/runtime/record.ts";
import { manifestRows } from "./manifest.ts";
import { end, ended, failed, owned, type RunMove, RUN_POLL_SECONDS_MAX, stateText } from "./moves.ts";
import type { RunPorts } from "./ports.ts";
import type { WorkflowCall } from "./workflow-calls.ts";

const FAILURES: Readonly<Record<string, string>> = {
  NOT_FOUND: "OUTPUT_MISSING",
  PERMISSION_DENIED: "OUTPUT_NOT_ALLOWED",
};

async function resultOf(
  ports: RunPorts,
  state: RunState & { readonly phase: "submitted" },
): Promise<FactData<"run.finished">> {
  const { outputUri } = state.request;
  const outputDigest = await ports.artifacts.digest(outputUri);
  const rows = await manifestRows(ports.artifacts, outputUri);
  const durationMs = Math.max(0, ports.clock.now().getTime() - Date.parse(state.job.submittedAt));
  return { outputDigest, outputUri, durationMs, ...(rows === undefined ? {} : { rows }) };
}

/** The dataset version of a finished run, recorded now if it is not yet. The data service records the same. */
async function keepOutput(ports: RunPorts, name: string): Promise<{ readonly datasetVersion?: string }> {
  const { facts } = await ports.ledger.read(name);
  const finished = facts.find((fact): fact is FactOf<"run.finished"> => fact.type === "run.finished");
  const { state } = await load(ports.ledger, run, name);
  const output = finished === undefined ? undefined : outputOfRun(state, finished);
  if (finished === undefined || output === undefined) return {};
  const { id: cause, correlation } = finished;
  await record(ports, dataset, { ...output, cause, correlation, actor: "services/data" });
  const datasetVersion = versionOfRun((await load(ports.ledger, dataset, output.stream)).state, name);
  return datasetVersion === undefined ? {} : { datasetVersion };
}

/**
 * Digests the output, records `run.finished` and the dataset version. Repeating it answers what was recorded then. An output
 * that is missing or may not be read is a failure of the run, not of the call. One that is digested elsewhere is asked for again.
 */
export async function finish(ports: RunPorts, { name, execution }: WorkflowCall): Promise<RunMove> {
  const before = await owned(ports, name, execution);
  if (before.phase === "submitted") {
    let result: FactData<"run.finished">;
    try {
      result = await resultOf(ports, before);
    } catch (error) {
      if (error instanceof ControlPlaneError && error.reason === DIGEST_NOT_KNOWN_YET)
        return {
          next: "finish",
          seconds: RUN_POLL_SECONDS_MAX,
          state: stateText(before),
          sentence: error.message,
        };
      const reason = error instanceof ControlPlaneError ? FAILURES[error.code] : undefined;
      if (!(error instanceof ControlPlaneError) || reason === undefined) throw error;
      const nextStep = "Make the job write to the run's outputUri, then request a new run.";
      return failed(ports, name, execution, { reason, message: error.message, nextStep });
    }
    await end(ports, name, execution, { kind: "finish", run: name, execution, result });
  } else if (!isEnded(before)) {
    return {
      next: "submit",
      seconds: 0,
      state: before.phase.toUpperCase(),
      sentence: `${name} is not submitted yet.`,
    };
  }
  const { state } = await load(ports.ledger, run, name);
  if (state.phase !== "finished") return ended(state);
  const { facts } = await ports.ledger.read(name);
  const finished = facts.find((fact) => fact.type === "run.finished");
  const output = await keepOutput(ports, name);
  return {
    ...ended(state),
    ...(finished === undefined ? {} : { outputDigest: finished.data.outputDigest }),
    ...output,
  };
}
