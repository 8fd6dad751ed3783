// A run: one Ray job from request to result. Exactly one end is recorded: finished, failed, cancelled, timed out or lost.
import { type Decider, type Decision, happens, ignored } from "./decider.ts";
import { ControlPlaneError, failedPrecondition, notFound } from "./errors.ts";
import type { Draft, FactOf } from "./fact.ts";
import { shortHash } from "./fact.ts";
import type { FactData } from "./facts.ts";
import { lastId } from "./names.ts";
import { requireRunRequest, sameRequest } from "./run-request.ts";

/** The facts of a run's stream. */
export type RunFact =
  | "run.requested"
  | "run.claimed"
  | "run.submitted"
  | "run.finished"
  | "run.failed"
  | "run.cancelled"
  | "run.timed-out"
  | "run.lost";

/** What a run asks for. */
export type RunRequest = FactData<"run.requested">;

/** How a run can end. */
export const RUN_ENDS = ["finished", "failed", "cancelled", "timed-out", "lost"] as const;

/** How a run ended. */
export type RunEnd = (typeof RUN_ENDS)[number];

/** A run as it stands. `owner` is the one workflow execution that may move it. */
export type RunState =
  | { readonly phase: "absent" }
  | ({ readonly phase: "requested" } & Requested)
  | ({ readonly phase: "claimed"; readonly owner: string } & Requested)
  | ({ readonly phase: "submitted"; readonly owner: string; readonly job: SubmittedJob } & Requested)
  | ({ readonly phase: RunEnd; readonly owner?: string; readonly job?: SubmittedJob } & Requested);

interface Requested {
  readonly run: string;
  readonly request: RunRequest;
  /** RFC 3339; the time limit counts from here. */
  readonly requestedAt: string;
}

/** The job of a run on a Ray head. */
export interface SubmittedJob {
  readonly submissionId: string;
  readonly address: string;
  readonly submittedAt: string;
}

/** What may be asked of a run. Inputs with `execution` come from its workflow and are refused from any other. */
export type RunInput =
  | {
      readonly kind: "request";
      readonly run: string;
      readonly request: RunRequest;
      readonly deadline: string;
    }
  | { readonly kind: "claim"; readonly run: string; readonly execution: string }
  | {
      readonly kind: "submit";
      readonly run: string;
      readonly execution: string;
      readonly submissionId: string;
      readonly address: string;
    }
  | {
      readonly kind: "finish";
      readonly run: string;
      readonly execution: string;
      readonly result: FactData<"run.finished">;
    }
  | {
      readonly kind: "fail";
      readonly run: string;
      readonly execution: string;
      readonly failure: FactData<"run.failed">;
    }
  | {
      readonly kind: "lose";
      readonly run: string;
      readonly execution: string;
      readonly loss: FactData<"run.lost">;
    }
  /** Its workflow has ended without ending the run. */
  | { readonly kind: "abandon"; readonly run: string; readonly failure: FactData<"run.failed"> }
  | { readonly kind: "cancel"; readonly run: string; readonly reason: string }
  | { readonly kind: "time-out"; readonly run: string };

/** Name of the timer that ends a run whose time limit has passed, even when its workflow is dead. */
export const RUN_DEADLINE_TIMER = "deadline";

/** Name of the timers at which the job of a run that was ended before it is stopped once more. */
export const RUN_STOP_TIMER = "stop-again";
/**
 * How long a submission may be on its way: one that was given up and arrives after the run has ended, and after its job was
 * stopped, starts a job that nobody waits for. Far longer than any call of ours waits for its answer.
 */
export const SUBMISSION_LATE_MS_MAX = 120_000;
/**
 * How far the clocks of whoever sets a timer and of whoever fires it may be apart: five minutes each. The job is stopped a last time when
 * the submission must have arrived whatever they say.
 */
export const CLOCKS_APART_MS_MAX = 600_000;
const STOP_AGAIN = [SUBMISSION_LATE_MS_MAX, SUBMISSION_LATE_MS_MAX + CLOCKS_APART_MS_MAX].map((afterMs) => ({
  name: RUN_STOP_TIMER,
  afterMs,
}));

/** Whether nothing more can happen to the run. */
export function isEnded(state: RunState): state is Extract<RunState, { phase: RunEnd }> {
  return (RUN_ENDS as readonly string[]).includes(state.phase);
}

/**
 * The Ray submission id of a run. Derived, so that every retry names the same job; the time of the request is part of it,
 * so that two installations that share a head and a run name do not take each other's job for their own.
 */
export function submissionIdOf(run: string, requestedAt: string): string {
  return `${lastId(run).slice(0, 40)}-${shortHash(run, requestedAt)}`;
}

/** When the run's time limit passes: RFC 3339. */
export function deadlineOf(request: RunRequest, requestedAt: string): string {
  return new Date(Date.parse(requestedAt) + request.timeLimitSeconds * 1_000).toISOString();
}

function request(state: RunState, input: RunInput & { kind: "request" }): Decision<RunFact> {
  requireRunRequest(input.run, input.request);
  if (state.phase === "absent") {
    const due = [{ name: RUN_DEADLINE_TIMER, time: input.deadline }];
    return happens([{ type: "run.requested", data: input.request }], due);
  }
  if (sameRequest(state.request, input.request))
    return ignored(`${input.run} is requested already (${state.phase}).`);
  throw new ControlPlaneError(
    "ALREADY_EXISTS",
    `${input.run} exists and asks for something else. A run never changes: choose another run id, or leave it out to get one.`,
    { reason: "RUN_HAS_OTHER_CONTENT", field: "runId", metadata: { run: input.run } },
  );
}

/** A second execution is told who runs it, also after the end, so that it can answer `duplicateOf`. */
function requireOwner(state: Exclude<RunState, { phase: "absent" }>, execution: string): void {
  const owner = "owner" in state ? state.owner : undefined;
  if (owner === execution) return;
  if (owner !== undefined) {
    throw new ControlPlaneError(
      "ABORTED",
      `${state.run} belongs to execution ${owner}; ${execution} must stop and answer duplicateOf.`,
      { reason: "DUPLICATE_EXECUTION", metadata: { run: state.run, duplicateOf: owner } },
    );
  }
  throw failedPrecondition(
    "RUN_NOT_CLAIMED",
    `${state.run} is ${state.phase} and no execution has claimed it: POST ${state.run}:claim first.`,
    { run: state.run, state: state.phase },
  );
}

function ended(state: Extract<RunState, { phase: RunEnd }>): ControlPlaneError {
  return failedPrecondition(
    "RUN_ENDED",
    `${state.run} is ${state.phase}, which is final. Request a new run to do the work again.`,
    { run: state.run, state: state.phase },
  );
}

function claim(state: Exclude<RunState, { phase: "absent" }>, execution: string): Decision<RunFact> {
  if (state.phase === "requested") return happens([{ type: "run.claimed", data: { execution } }]);
  if ("owner" in state || !isEnded(state)) requireOwner(state, execution);
  if (isEnded(state)) throw ended(state);
  return ignored(`${state.run} is claimed by this execution already.`);
}

/** The next fact of an owner's input, or undefined when the phase does not allow it. */
function step(state: RunState, input: RunInput): Draft<RunFact> | undefined {
  const { phase } = state;
  const running = phase === "claimed" || phase === "submitted";
  switch (input.kind) {
    case "submit": {
      const { submissionId, address } = input;
      return phase === "claimed" ? { type: "run.submitted", data: { submissionId, address } } : undefined;
    }
    case "finish":
      return phase === "submitted" ? { type: "run.finished", data: input.result } : undefined;
    case "fail":
      return running ? { type: "run.failed", data: input.failure } : undefined;
    case "lose":
      return running ? { type: "run.lost", data: input.loss } : undefined;
    default:
      return undefined;
  }
}

function decide(state: RunState, input: RunInput): Decision<RunFact> {
  if (input.kind === "request") return request(state, input);
  if (state.phase === "absent") throw notFound(input.run, "Request it with POST /v1/teams/{team}/runs.");
  if (input.kind === "claim") return claim(state, input.execution);
  if (input.kind === "time-out") {
    if (isEnded(state)) return ignored(`${state.run} is ${state.phase} already.`);
    const { timeLimitSeconds } = state.request;
    return happens([{ type: "run.timed-out", data: { timeLimitSeconds } }], STOP_AGAIN);
  }
  if (input.kind === "abandon") {
    if (isEnded(state)) return ignored(`${state.run} is ${state.phase} already.`);
    return happens([{ type: "run.failed", data: input.failure }], STOP_AGAIN);
  }
  if (input.kind === "cancel") {
    if (state.phase === "cancelled") return ignored(`${state.run} is cancelled already.`);
    if (isEnded(state)) throw ended(state);
    return happens([{ type: "run.cancelled", data: { reason: input.reason } }], STOP_AGAIN);
  }
  requireOwner(state, input.execution);
  if (isEnded(state)) throw ended(state);
  if (input.kind === "submit" && state.phase === "submitted")
    return ignored(`${state.run} is submitted already.`);
  const draft = step(state, input);
  if (draft !== undefined) return happens([draft], draft.type === "run.lost" ? STOP_AGAIN : []);
  throw failedPrecondition(
    "RUN_NOT_SUBMITTED",
    `${state.run} is ${state.phase}: POST ${state.run}:submit before :${input.kind}.`,
    {
      run: state.run,
      state: state.phase,
    },
  );
}

const END_OF = {
  "run.finished": "finished",
  "run.failed": "failed",
  "run.cancelled": "cancelled",
  "run.timed-out": "timed-out",
  "run.lost": "lost",
} as const satisfies Partial<Record<RunFact, RunEnd>>;

function evolve(state: RunState, fact: FactOf<RunFact>): RunState {
  if (fact.type === "run.requested") {
    return { phase: "requested", run: fact.subject, request: fact.data, requestedAt: fact.time };
  }
  if (state.phase === "absent") return state;
  const { run, request, requestedAt } = state;
  const requested = { run, request, requestedAt };
  if (fact.type === "run.claimed") return { phase: "claimed", ...requested, owner: fact.data.execution };
  if (fact.type === "run.submitted") {
    const owner = "owner" in state && state.owner !== undefined ? state.owner : "";
    return { phase: "submitted", ...requested, owner, job: { ...fact.data, submittedAt: fact.time } };
  }
  return { ...state, phase: END_OF[fact.type] };
}

/** requested → claimed → submitted → finished; each of them may end as failed, cancelled, timed out or lost. */
export const run: Decider<RunState, RunInput, RunFact> = { initial: { phase: "absent" }, decide, evolve };
