// The calls of the workflow `data-run`: claim, submit, poll. Each is safe to repeat, and says what to do next.
import { ControlPlaneError, isTransient } from "../../../shared/domain/errors.ts";
import { isEnded, run, type SubmittedJob } from "../../../shared/domain/run.ts";
import type { RayJobStatus } from "../../../shared/ports/cluster.ts";
import { load, record } from "../../../shared/runtime/record.ts";
import {
  end,
  ended,
  failed,
  jobOf,
  lost,
  owned,
  pollSeconds,
  RUN_POLL_SECONDS,
  type RunMove,
  stateText,
  unreachable,
} from "./moves.ts";
import type { RunPorts } from "./ports.ts";

/** Last lines of a failed job's log that its failure quotes. */
export const LOG_TAIL_LINES_MAX = 20;
/** Characters of that quotation. */
export const LOG_TAIL_CHARACTERS_MAX = 4_000;

/** What a person without Ray is told. */
export const NO_RAY_NEXT_STEP =
  "Start with `npm start -- --with-ray` to get a local Ray head, or set SIGNALBOX_RAY_ADDRESS to the dashboard of one that runs (http://host:8265); then request a new run.";

/** What a call brings: who calls, and when the head last answered as far as the caller knows. */
export interface WorkflowCall {
  readonly name: string;
  readonly execution: string;
  readonly lastContact: string | undefined;
}

/** Claims a run for an execution. Throws ABORTED `DUPLICATE_EXECUTION` with `duplicateOf` when another has it. */
export async function claim(ports: RunPorts, { name, execution }: WorkflowCall): Promise<RunMove> {
  const cause = `execution/${execution}/claim`;
  const input = { kind: "claim", run: name, execution } as const;
  await record(ports, run, { stream: name, cause, input, actor: `executions/${execution}` });
  const { state } = await load(ports.ledger, run, name);
  if (isEnded(state)) return ended(state);
  return {
    next: "submit",
    seconds: 0,
    state: stateText(state),
    sentence: `${name} is claimed by ${execution}.`,
  };
}

/** Stops a job that was submitted while its run ended. */
async function submitted(
  ports: RunPorts,
  name: string,
  execution: string,
  submissionId: string,
): Promise<RunMove> {
  const address = ports.cluster.address ?? "";
  const input = { kind: "submit", run: name, execution, submissionId, address } as const;
  try {
    const cause = `execution/${execution}/submit`;
    await record(ports, run, {
      stream: name,
      cause,
      input,
      inputHash: submissionId,
      actor: `executions/${execution}`,
    });
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.reason !== "RUN_ENDED") throw error;
    await ports.cluster.stop(submissionId);
  }
  const { state } = await load(ports.ledger, run, name);
  if (isEnded(state)) return ended(state);
  const lastContact = ports.clock.now().toISOString();
  const sentence = `${name} is job ${submissionId} on ${address}.`;
  return { next: "poll", seconds: RUN_POLL_SECONDS, state: stateText(state), sentence, lastContact };
}

/** Submits the job of a run. The same run is the same job, however often this is called. */
export async function submit(ports: RunPorts, call: WorkflowCall): Promise<RunMove> {
  const { name, execution } = call;
  const state = await owned(ports, name, execution);
  if (isEnded(state)) return ended(state);
  const submissionId = jobOf(state);
  if (state.phase === "submitted") return submitted(ports, name, execution, submissionId);
  if (ports.cluster.address === undefined) {
    const message = "No Ray is configured, so nothing can run this job.";
    return failed(ports, name, execution, { reason: "NO_RAY", message, nextStep: NO_RAY_NEXT_STEP });
  }
  const { entrypoint, runtimeEnvironment } = state.request;
  try {
    await ports.cluster.submit({ submissionId, entrypoint, runtimeEnvironment, metadata: { run: name } });
  } catch (error) {
    if (!(error instanceof ControlPlaneError)) throw error;
    if (isTransient(error)) return unreachable(ports, call, "submit", error);
    const nextStep = "Mend the entrypoint or the runtime environment, then request a new run.";
    return failed(ports, name, execution, { reason: "JOB_REFUSED", message: error.message, nextStep });
  }
  return submitted(ports, name, execution, submissionId);
}

/** The end of a log, short enough for a fact. */
export function logTail(log: string): string {
  const lines = log.trimEnd().split("\n").slice(-LOG_TAIL_LINES_MAX).join("\n");
  return lines.slice(-LOG_TAIL_CHARACTERS_MAX);
}

async function jobFailed(
  ports: RunPorts,
  call: WorkflowCall,
  submissionId: string,
  job: RayJobStatus,
): Promise<RunMove> {
  const tail = logTail(await ports.cluster.logs(submissionId));
  const [headline = ""] = job.message.split("\n");
  const message = `${headline}${tail === "" ? "" : `\nThe log ends with:\n${tail}`}`;
  const nextStep = `Read the whole log with GET /v1/${call.name}:logs, mend the job, then request a new run.`;
  return failed(ports, call.name, call.execution, { reason: "JOB_FAILED", message, nextStep });
}

async function look(ports: RunPorts, call: WorkflowCall, submitted: SubmittedJob): Promise<RunMove> {
  const { name, execution } = call;
  const { submissionId, submittedAt } = submitted;
  const job = await ports.cluster.status(submissionId);
  const lastContact = ports.clock.now().toISOString();
  switch (job.state) {
    case "SUCCEEDED":
      return {
        next: "finish",
        seconds: 0,
        state: "SUBMITTED",
        sentence: `Job ${submissionId} succeeded.`,
        lastContact,
      };
    case "FAILED":
      return jobFailed(ports, call, submissionId, job);
    case "STOPPED": {
      const reason = "The job was stopped in Ray, not through Signalbox.";
      return end(ports, name, execution, { kind: "cancel", run: name, reason });
    }
    case "absent": {
      const address = ports.cluster.address ?? "";
      return lost(
        ports,
        name,
        execution,
        `The Ray head at ${address} does not know job ${submissionId} any more: it was restarted while the job ran.`,
      );
    }
    default: {
      const sentence = `Job ${submissionId} is ${job.state}.`;
      const seconds = pollSeconds(ports.clock.now().getTime() - Date.parse(submittedAt));
      return { next: "poll", seconds, state: "SUBMITTED", sentence, lastContact };
    }
  }
}

/** Looks at the job of a run, and records its end if it has one that is not success. */
export async function poll(ports: RunPorts, call: WorkflowCall): Promise<RunMove> {
  const { name, execution } = call;
  const state = await owned(ports, name, execution);
  if (isEnded(state)) return ended(state);
  if (state.phase !== "submitted") {
    return { next: "submit", seconds: 0, state: stateText(state), sentence: `${name} is not submitted yet.` };
  }
  try {
    return await look(ports, call, state.job);
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || !isTransient(error)) throw error;
    return unreachable(ports, call, "poll", error);
  }
}
