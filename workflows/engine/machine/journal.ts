// The journal: everything that the world told the machine, and what the machine asked. Folding it again gives the same machine.
import type { CallbackHttpRequest, EffectRequest, EffectResult } from "./request.ts";

/** One element of a stack trace. */
export interface TraceElement {
  readonly step: string;
  readonly routine: string;
  readonly position: { readonly line: number; readonly column: number; readonly length: number };
}

/** An uncaught error in the shape of the executions API. */
export interface ExecutionError {
  /** The error value as JSON text. */
  readonly payload: string;
  /** The message, then one line per frame. */
  readonly context: string;
  readonly stackTrace: { readonly elements: readonly TraceElement[] };
}

/** How an execution ended; `result` is JSON text, as the executions API has it. */
export type Outcome =
  | { readonly state: "SUCCEEDED"; readonly result: string }
  | { readonly state: "FAILED"; readonly error: ExecutionError }
  | { readonly state: "CANCELLED" };

/** What an execution starts with. */
export interface StartOptions {
  /** The argument as JSON text; absent means null. */
  readonly argument?: string | undefined;
  /** What `sys.get_env` answers. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Decides interleavings, UUIDs and callback ids; unpredictable in production, fixed in tests. */
  readonly seed: string;
  /** Epoch milliseconds; sleeps count from here. */
  readonly nowMs: number;
  /** Where callback endpoints live, without a trailing slash; the production URL of the execution when absent. */
  readonly callbackBase?: string | undefined;
}

/** One entry; plain JSON. */
export type JournalEntry =
  | {
      readonly type: "ExecutionStarted";
      readonly startedMs: number;
      readonly revision: string;
      readonly argument: string;
      readonly env: Readonly<Record<string, string>>;
      readonly seed: string;
      readonly callbackBase: string;
    }
  | { readonly type: "EffectRequested"; readonly request: EffectRequest }
  | {
      readonly type: "EffectCompleted";
      readonly id: string;
      readonly result: EffectResult;
      readonly atMs: number;
    }
  | { readonly type: "TimerFired"; readonly id: string; readonly atMs: number }
  | {
      readonly type: "CallbackReceived";
      readonly callback: string;
      readonly request: CallbackHttpRequest;
      readonly receivedMs: number;
    }
  | { readonly type: "Cancelled" }
  | { readonly type: "ExecutionFinished"; readonly outcome: Outcome };

/** The journal belongs to another program, or the program would now do something else. */
export class NonDeterminismError extends Error {
  readonly step: string;
  readonly line: number;

  constructor(message: string, step: string, line: number) {
    super(message);
    this.name = "NonDeterminismError";
    this.step = step;
    this.line = line;
  }
}
