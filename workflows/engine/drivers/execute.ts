// Runs an execution to its end: the journal is stored before anything happens, timers keep their due time.
import type { Program } from "../compile/program.ts";
import type { JournalEntry, Outcome, StartOptions } from "../machine/journal.ts";
import { advance, cancel, complete, fireTimer, receive, start, type Turn } from "../machine/machine.ts";
import type { CallbackHttpRequest, EffectRequest, EffectResult } from "../machine/request.ts";
import { resume } from "../machine/resume.ts";
import type { Observer } from "../machine/run.ts";
import type { Machine } from "../machine/state.ts";

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
  /** Resolves at a time; rejects or resolves early when aborted. */
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
  /** Hands a request to a callback endpoint; the status to answer. */
  deliver(callback: string, request: CallbackHttpRequest): 200 | 404 | 405 | 429;
  /** Cancels; `finished` resolves as CANCELLED. */
  cancel(): void;
  /** The machine as it stands, for steps, variables and costs. */
  machine(): Machine | undefined;
}

/** Starts an execution, or goes on with the one that the journal tells of. */
export function launch(program: Program, options: ExecuteOptions): Execution {
  const session = createSession(program, options);
  return {
    finished: session.run(),
    deliver: session.deliver,
    cancel: session.cancel,
    machine: session.machine,
  };
}

/** Runs an execution to its end. */
export function execute(program: Program, options: ExecuteOptions): Promise<Outcome> {
  return launch(program, options).finished;
}

type Session = Pick<Execution, "deliver" | "cancel" | "machine"> & { run(): Promise<Outcome> };

function createSession(program: Program, options: ExecuteOptions): Session {
  const { clock, journal } = options;
  const inbox: (() => Turn)[] = [];
  const stop = new AbortController();
  let unsaved: JournalEntry[] = [];
  let wake = (): void => {};
  let failed: { error: unknown } | undefined;
  let machine: Machine | undefined;

  const post = (turn: () => Turn): void => {
    inbox.push(turn);
    wake();
  };
  const adopt = (turn: Turn): void => {
    machine = turn.machine;
    unsaved.push(...turn.entries);
  };
  const onAbort = (): void => post(() => cancel(machine as Machine));
  const fail = (error: unknown): void => {
    failed ??= { error };
    wake();
  };
  const begin = (request: EffectRequest): void => {
    carryOut(request, options, stop.signal, post, () => machine as Machine).catch(fail);
  };

  const boot = async (): Promise<readonly EffectRequest[]> => {
    const entries = await journal.load();
    if (entries.length === 0) {
      adopt(start(program, { ...options, nowMs: clock.now() }));
      return [];
    }
    const resumed = resume(program, entries, options.observer);
    adopt(resumed);
    return resumed.requests;
  };

  const settle = async (reissued: readonly EffectRequest[]): Promise<void> => {
    const requests = [...reissued];
    for (;;) {
      const turn = advance(machine as Machine, options.observer);
      adopt(turn);
      requests.push(...turn.requests.filter(({ kind }) => kind !== "now"));
      const readings = turn.requests.filter(({ kind }) => kind === "now");
      if (readings.length === 0) break;
      // A reading of the clock has no effect: it needs no round trip, and is stored with what follows from it.
      for (const { id } of readings)
        adopt(complete(machine as Machine, id, { kind: "now", seconds: clock.now() / 1000 }, clock.now()));
    }
    if (unsaved.length > 0) await journal.append(unsaved.splice(0));
    if (machine?.outcome === undefined) for (const request of requests) begin(request);
  };

  const free = (): void => {};
  const nextTurn = async (release: () => void): Promise<() => void> => {
    if (inbox.length > 0 || failed !== undefined) return release;
    release();
    await new Promise<void>((resolve) => (wake = resolve));
    return clock.hold?.() ?? free;
  };

  const run = async (): Promise<Outcome> => {
    let release = clock.hold?.() ?? free;
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (options.signal?.aborted === true) inbox.push(() => cancel(machine as Machine));
      let reissued = await boot();
      for (;;) {
        await settle(reissued);
        reissued = [];
        if (machine?.outcome !== undefined) return machine.outcome;
        release = await nextTurn(release);
        if (failed !== undefined) throw failed.error;
        for (const turn of inbox.splice(0)) adopt(turn());
      }
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
      stop.abort();
      release();
    }
  };

  const deliver: Execution["deliver"] = (callback, request) => {
    if (machine === undefined) return 404;
    const { status } = receive(machine, callback, request, clock.now());
    if (status === 200) post(() => receive(machine as Machine, callback, request, clock.now()));
    return status;
  };
  return { run, deliver, cancel: onAbort, machine: () => machine };
}

/** Carries out one request and posts what follows from its result. */
async function carryOut(
  request: EffectRequest,
  { clock, perform }: ExecuteOptions,
  signal: AbortSignal,
  post: (turn: () => Turn) => void,
  machine: () => Machine,
): Promise<void> {
  if (request.kind === "now") {
    post(() => complete(machine(), request.id, { kind: "now", seconds: clock.now() / 1000 }, clock.now()));
    return;
  }
  if (request.kind === "sleep" || request.kind === "callback") {
    await clock.sleepUntil(request.dueMs, signal);
    if (!signal.aborted) post(() => fireTimer(machine(), request.id, clock.now()));
    return;
  }
  const release = clock.hold?.();
  try {
    const result = await perform(request, signal);
    if (!signal.aborted) post(() => complete(machine(), request.id, result, clock.now()));
  } finally {
    release?.();
  }
}
