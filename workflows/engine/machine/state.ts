// The state of an execution: threads of frames, nothing hidden in the host's stack.
import type { Program, Slot } from "../compile/program.ts";
import type { ConnectorCall } from "../connectors/connector-call.ts";
import type { VariableFrame } from "../expressions/evaluate.ts";
import type { Value } from "../values/value.ts";
import type { Outcome, TraceElement } from "./journal.ts";
import type { CallbackHttpRequest, EffectRequest } from "./request.ts";

/** An error on its way: the value, and where it came from. */
export interface Raised {
  readonly value: Value;
  readonly context: string;
  readonly trace: readonly TraceElement[];
}

/** An open try, or its handler at work; `attempts` counts retries so far. */
export type TryEntry =
  | { readonly kind: "try"; readonly handler: number; readonly attempts: number }
  | {
      readonly kind: "handling";
      readonly handler: number;
      readonly attempts: number;
      readonly raised: Raised;
      readonly delaySeconds: number;
    };

/** A routine or branch at work. `pc` is the instruction that runs or waits. */
export interface Frame extends VariableFrame {
  routine: number;
  pc: number;
  vars: (Value | undefined)[];
  outer: Frame | undefined;
  tries: TryEntry[];
  /** Where the caller wants the result. */
  into: Slot | undefined;
  /** Bytes that the named variables count. */
  bytes: number;
}

/** What happens with the result of a request. */
export type Continuation =
  | { readonly kind: "value" }
  | { readonly kind: "http" }
  /** The body of a response is the value. */
  | { readonly kind: "body" }
  | { readonly kind: "retry"; readonly body: number }
  | { readonly kind: "connector"; readonly call: ConnectorCall };

/** A thread's outstanding request. */
export interface Pending {
  readonly request: EffectRequest;
  readonly after: Continuation;
  readonly into: Slot | undefined;
}

/** A parallel step that waits for its threads. */
export interface Join {
  /** Begins the ids of the threads. */
  readonly prefix: string;
  /** Values of a parallel for; undefined for branches. */
  readonly items: readonly Value[] | undefined;
  /** First value of a range, and how many items or branches there are. */
  readonly first: bigint | number | undefined;
  readonly total: number;
  readonly limit: number;
  next: number;
  active: number;
  errors: { id: string; context: string; payload: string }[];
  failed: number;
}

/** A line of execution: the main one, a branch or an iteration. */
export interface Thread {
  readonly id: string;
  readonly parent: string | undefined;
  /** The name of the branch or the index of the iteration. */
  readonly branch: string;
  /** Parallel steps around this thread, and frames below its first one. */
  readonly nesting: number;
  readonly baseDepth: number;
  frames: Frame[];
  /** Numbers the thread's requests and children. */
  sequence: number;
  state: "ready" | "waiting" | "joining";
  pending: Pending | undefined;
  join: Join | undefined;
}

/** An endpoint that a workflow created, with the one request it may hold. */
export interface CallbackSlot {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  held: { request: CallbackHttpRequest; receivedMs: number } | undefined;
  consumed: boolean;
}

/** Steps as they are billed, and which parts of the program ran. */
export interface Tally {
  internal: number;
  external: number;
  assignments: number;
  /** Billed steps, and of these the external ones, by index in `Program.steps`. */
  billed: Map<number, number>;
  outside: Map<number, number>;
  /** How often each step was entered, by index in `Program.steps`. */
  visits: Map<number, number>;
  /** Which ways were taken: `step:case`, `step:retry` and so on. */
  ways: Map<string, number>;
}

/** A whole execution. Treat it as a value: the functions of the machine answer a new one. */
export interface Machine {
  readonly program: Program;
  readonly env: ReadonlyMap<string, string>;
  readonly seed: string;
  readonly callbackBase: string;
  /** Epoch milliseconds of the last thing that the machine was told. */
  nowMs: number;
  threads: Thread[];
  /** State of the generator that picks the next thread. */
  random: number;
  bytes: number;
  /** Errors of branches recorded so far in the execution. */
  branchErrors: number;
  callbacks: CallbackSlot[];
  tally: Tally;
  outcome: Outcome | undefined;
}

/** A copy that can be changed without touching the original; values are immutable and shared. */
export function cloneMachine(machine: Machine): Machine {
  const frames = new Map<Frame, Frame>();
  const cloneFrame = (frame: Frame): Frame => {
    const known = frames.get(frame);
    if (known !== undefined) return known;
    const outer = frame.outer === undefined ? undefined : cloneFrame(frame.outer);
    const copy = { ...frame, outer, vars: [...frame.vars], tries: [...frame.tries] };
    frames.set(frame, copy);
    return copy;
  };
  return {
    ...machine,
    threads: machine.threads.map((thread) => ({
      ...thread,
      frames: thread.frames.map(cloneFrame),
      join: thread.join === undefined ? undefined : { ...thread.join, errors: [...thread.join.errors] },
    })),
    callbacks: machine.callbacks.map((callback) => ({ ...callback })),
    tally: {
      ...machine.tally,
      billed: new Map(machine.tally.billed),
      outside: new Map(machine.tally.outside),
      visits: new Map(machine.tally.visits),
      ways: new Map(machine.tally.ways),
    },
  };
}
