// Runs an execution to its end: the journal is stored before anything happens, timers keep their due time.
import type { Program } from "../compile/program.ts";
import type { JournalEntry, Outcome, StartOptions } from "../machine/journal.ts";
import { cancel, type CallbackStatus } from "../machine/machine.ts";
import type { CallbackHttpRequest, EffectRequest, EffectResult } from "../machine/request.ts";
import type { Observer } from "../machine/run.ts";
import type { Machine } from "../machine/state.ts";
import { createSession, deliverCallback, post, runSession } from "./session.ts";

/** Where the journal lives. `append` resolves when the entries are durable. */
export interface JournalStore {
  load(): Promise<readonly JournalEntry[]>;
  append(entries: readonly JournalEntry[]): Promise<void>;
}

/** Carries out http and log requests. It may be asked for the same request again after a crash. */
export type Perform = (request: EffectRequest, signal: AbortSignal) => Promise<EffectResult>;

/** Time as an execution sees it. A virtual clock moves on only while nothing is held. */
export interface WorkflowClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves at a time, or early when aborted. */
  sleepUntil(dueMs: number, signal: AbortSignal): Promise<void>;
  /** Work is going on from here until the answer is called; wall clocks need none. */
  hold?(): () => void;
}

/** What an execution needs. */
export interface ExecuteOptions extends Omit<StartOptions, "nowMs"> {
  readonly journal: JournalStore;
  readonly perform: Perform;
  readonly clock: WorkflowClock;
  /** Aborting cancels the execution. */
  readonly signal?: AbortSignal | undefined;
  readonly observer?: Observer | undefined;
}

/** An execution at work. */
export interface Execution {
  /** Resolves with the outcome; rejects when the journal or the driver itself fails, never for an error of the workflow. */
  readonly finished: Promise<Outcome>;
  /** Hands a request to a callback endpoint; resolves with the status to answer once a taken request is durable. */
  deliver(callback: string, request: CallbackHttpRequest): Promise<CallbackStatus>;
  /** Cancels; `finished` resolves as CANCELLED. */
  cancel(): void;
  /** The machine as it stands, for steps, variables and costs. */
  machine(): Machine | undefined;
}

/** Starts an execution, or goes on with the one that the journal tells of. */
export function launch(program: Program, options: ExecuteOptions): Execution {
  const session = createSession(program, options);
  return {
    finished: runSession(session),
    deliver: (callback, request) => deliverCallback(session, callback, request),
    cancel: () => post(session, cancel),
    machine: () => session.machine,
  };
}

/** Runs an execution to its end. */
export function execute(program: Program, options: ExecuteOptions): Promise<Outcome> {
  return launch(program, options).finished;
}
