// What the workflow of a run is told to do next, and the ends that more than one call can record.
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import type { FactData } from "../../../shared/domain/facts.ts";
import { isEnded, run, type RunInput, type RunState, submissionIdOf } from "../../../shared/domain/run.ts";
import { load, record } from "../../../shared/runtime/record.ts";
import type { RunPorts } from "./ports.ts";

/** Time between two looks at a young job. */
export const RUN_POLL_SECONDS = 2;
/** Longest time between two looks. A week at this pace stays below the 100,000 steps that Cloud Workflows allows an execution. */
export const RUN_POLL_SECONDS_MAX = 30;
/** A job is looked at about this often in its life so far. */
const LOOKS_A_LIFE = 30;

/** How long to wait before the next look at a job of this age. */
export function pollSeconds(ageMs: number): number {
  return Math.min(RUN_POLL_SECONDS_MAX, Math.max(RUN_POLL_SECONDS, Math.floor(ageMs / 1_000 / LOOKS_A_LIFE)));
}
/** A head that cannot be reached for this long has lost the run. */
export const HEAD_LOST_AFTER_MS = 60_000;

/** The answer to every call of the workflow. */
export interface RunMove {
  readonly next: "submit" | "poll" | "finish" | "end";
  /** Wait this long before it. */
  readonly seconds: number;
  /** State of the run, as in its document. */
  readonly state: string;
  readonly sentence: string;
  /** When the head last answered: the workflow hands it back with its next call. */
  readonly lastContact?: string;
  readonly outputDigest?: string;
  readonly datasetVersion?: string;
}

/** State of a run as documents spell it. */
export const stateText = (state: RunState): string => state.phase.toUpperCase().replaceAll("-", "_");

/** The move of a run that has ended. */
export function ended(state: RunState): RunMove {
  const name = state.phase === "absent" ? "The run" : state.run;
  return { next: "end", seconds: 0, state: stateText(state), sentence: `${name} is ${state.phase}.` };
}

/** Loads a run for the execution that owns it. Throws ABORTED for another execution, NOT_FOUND for an unknown run. */
export async function owned(
  ports: RunPorts,
  name: string,
  execution: string,
): Promise<Exclude<RunState, { phase: "absent" }>> {
  const { state } = await load(ports.ledger, run, name);
  if (state.phase === "absent" || !("owner" in state) || state.owner !== execution) {
    // The decider alone knows the words; an owner's claim is the input that every other execution is refused.
    run.decide(state, {
      kind: "fail",
      run: name,
      execution,
      failure: { reason: "", message: "", nextStep: "" },
    });
  }
  if (state.phase === "absent") throw new Error("unreachable: the decider refuses an absent run");
  return state;
}

/** Records an end and answers it. If the run has ended otherwise meanwhile, that end stays and is answered. */
export async function end(
  ports: RunPorts,
  name: string,
  execution: string,
  input: RunInput,
): Promise<RunMove> {
  try {
    await record(ports, run, {
      stream: name,
      cause: `execution/${execution}/${input.kind}`,
      input,
      inputHash: execution,
      actor: "services/api",
    });
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.reason !== "RUN_ENDED") throw error;
  }
  return ended((await load(ports.ledger, run, name)).state);
}

/** Records a failure. */
export function failed(
  ports: RunPorts,
  name: string,
  execution: string,
  failure: FactData<"run.failed">,
): Promise<RunMove> {
  return end(ports, name, execution, { kind: "fail", run: name, execution, failure });
}

/** Records that the head has lost the run. */
export function lost(ports: RunPorts, name: string, execution: string, message: string): Promise<RunMove> {
  const nextStep =
    "See whether the Ray head runs, then request a new run: what the job did may be incomplete.";
  return end(ports, name, execution, { kind: "lose", run: name, execution, loss: { message, nextStep } });
}

/** The head cannot be reached just now: try again, until it has been silent for too long. */
export async function unreachable(
  ports: RunPorts,
  call: { readonly name: string; readonly execution: string; readonly lastContact: string | undefined },
  next: "submit" | "poll",
  error: ControlPlaneError,
): Promise<RunMove> {
  const { name, execution } = call;
  const now = ports.clock.now();
  const lastContact = call.lastContact ?? now.toISOString();
  const silentMs = now.getTime() - Date.parse(lastContact);
  if (silentMs >= HEAD_LOST_AFTER_MS) {
    const address = ports.cluster.address ?? "an address that is no longer configured";
    const seconds = Math.round(silentMs / 1_000);
    return lost(
      ports,
      name,
      execution,
      `The Ray head at ${address} has not answered for ${seconds} s: ${error.message}`,
    );
  }
  const { state } = await load(ports.ledger, run, name);
  if (isEnded(state)) return ended(state);
  return { next, seconds: RUN_POLL_SECONDS, state: stateText(state), sentence: error.message, lastContact };
}

/** The id of a run's job. */
export const jobOf = (state: Exclude<RunState, { phase: "absent" }>): string =>
  submissionIdOf(state.run, state.requestedAt);
