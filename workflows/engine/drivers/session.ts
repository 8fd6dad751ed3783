// One execution at work: a machine, what the journal lacks, and an inbox of turns that the world has caused.
import type { Program } from "../compile/program.ts";
import type { JournalEntry, Outcome } from "../machine/journal.ts";
import {
  advance,
  cancel,
  complete,
  fireTimer,
  outstanding,
  receive,
  start,
  type CallbackStatus,
  type Turn,
} from "../machine/machine.ts";
import type { CallbackHttpRequest, EffectRequest } from "../machine/request.ts";
import { resume } from "../machine/resume.ts";
import type { Machine } from "../machine/state.ts";
import type { ExecuteOptions } from "./execute.ts";

/** What changes while an execution runs. */
export interface Session {
  readonly program: Program;
  readonly options: ExecuteOptions;
  /** Turns that wait to be made, in the order in which the world caused them. */
  readonly inbox: ((machine: Machine) => Turn)[];
  readonly stop: AbortController;
  /** Told once everything that the journal lacked is durable. */
  readonly waiting: (() => void)[];
  unsaved: JournalEntry[];
  /** Timers that run, by the id of their request. */
  readonly timers: Map<string, AbortController>;
  /** Requests that may go out once the journal holds them. */
  asked: EffectRequest[];
  machine: Machine | undefined;
  failed: { readonly error: unknown } | undefined;
  wake: () => void;
}

/** A session before its first turn. */
export function createSession(program: Program, options: ExecuteOptions): Session {
  const stop = new AbortController();
  return {
    program,
    options,
    inbox: [],
    waiting: [],
    stop,
    unsaved: [],
    asked: [],
    timers: new Map(),
    machine: undefined,
    failed: undefined,
    wake: () => {},
  };
}

/** Puts a turn into the inbox and wakes the session. */
export function post(session: Session, turn: (machine: Machine) => Turn): void {
  session.inbox.push(turn);
  session.wake();
}

function adopt(session: Session, { machine, entries, requests }: Turn): Machine {
  session.machine = machine;
  session.unsaved.push(...entries);
  session.asked.push(...requests);
  return machine;
}

/** Starts, or resumes from the journal; a request without a completion is asked again. */
async function boot(session: Session): Promise<void> {
  const { program, options } = session;
  const entries = await options.journal.load();
  if (entries.length > 0) makeTurn(session, resume(program, entries, options.observer));
  else {
    const machine = adopt(session, start(program, { ...options, nowMs: options.clock.now() }));
    makeTurn(session, advance(machine, options.observer));
  }
}

/**
 * Makes a turn and answers the readings of the clock that it asks for. A reading has no effect: it needs no round trip, and is
 * stored with what follows from it.
 */
function makeTurn(session: Session, turn: Turn): void {
  const { clock, observer } = session.options;
  adopt(session, turn);
  for (let at = session.asked.findIndex(isReading); at >= 0; at = session.asked.findIndex(isReading)) {
    const [{ id }] = session.asked.splice(at, 1) as [EffectRequest];
    const nowMs = clock.now();
    adopt(
      session,
      complete(session.machine as Machine, id, { kind: "now", seconds: nowMs / 1000 }, nowMs, observer),
    );
  }
}

/** Stores what is new, and only then lets the requests out. */
async function settle(session: Session): Promise<Machine> {
  const { journal } = session.options;
  const asked = session.asked.splice(0);
  const waiting = session.waiting.splice(0);
  if (session.unsaved.length > 0) await journal.append(session.unsaved.splice(0));
  for (const told of waiting) told();
  const machine = session.machine as Machine;
  stopTimers(session, new Set(outstanding(machine).map(({ id }) => id)));
  if (machine.outcome === undefined) for (const request of asked) begin(session, request);
  return machine;
}

function isReading({ kind }: EffectRequest): boolean {
  return kind === "now";
}

/** Ends the timers that nothing waits for any more, such as that of a callback which has come. */
function stopTimers({ timers }: Session, wanted: ReadonlySet<string>): void {
  for (const [id, timer] of timers) if (!wanted.has(id)) timer.abort();
}

function begin(session: Session, request: EffectRequest): void {
  carryOut(session, request).catch((error: unknown) => {
    session.failed ??= { error };
    session.wake();
  });
}

/** Carries out one request and posts what follows from its result. */
async function carryOut(session: Session, request: EffectRequest): Promise<void> {
  const { clock, perform, observer } = session.options;
  const { signal } = session.stop;
  if (request.kind === "sleep" || request.kind === "callback") {
    const timer = new AbortController();
    session.timers.set(request.id, timer);
    await clock.sleepUntil(request.dueMs, timer.signal);
    session.timers.delete(request.id);
    if (!timer.signal.aborted)
      post(session, (machine) => fireTimer(machine, request.id, clock.now(), observer));
    return;
  }
  const release = clock.hold?.();
  try {
    const result = await perform(request, signal);
    if (!signal.aborted)
      post(session, (machine) => complete(machine, request.id, result, clock.now(), observer));
  } finally {
    release?.();
  }
}

/** Waits for the inbox; the clock may move on meanwhile. Answers what ends the new hold. */
async function nextTurn(session: Session, release: () => void): Promise<() => void> {
  if (session.inbox.length > 0 || session.failed !== undefined) return release;
  release();
  await new Promise<void>((resolve) => {
    session.wake = resolve;
  });
  return holdClock(session);
}

function holdClock({ options: { clock } }: Session): () => void {
  return clock.hold?.() ?? ((): void => {});
}

/** Runs a session to its outcome. */
export async function runSession(session: Session): Promise<Outcome> {
  const { signal } = session.options;
  const onAbort = (): void => post(session, cancel);
  let release = holdClock(session);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) session.inbox.push(cancel);
  try {
    await boot(session);
    for (;;) {
      const { outcome } = await settle(session);
      if (outcome !== undefined) return outcome;
      release = await nextTurn(session, release);
      if (session.failed !== undefined) throw session.failed.error;
      for (const turn of session.inbox.splice(0)) makeTurn(session, turn(session.machine as Machine));
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    session.stop.abort();
    stopTimers(session, new Set());
    release();
    for (const told of session.waiting.splice(0)) told();
  }
}

/** Hands a request to a callback endpoint; a taken one is durable when the status 200 comes. */
export async function deliverCallback(
  session: Session,
  callback: string,
  request: CallbackHttpRequest,
): Promise<CallbackStatus> {
  const { machine, options } = session;
  if (machine === undefined) return 404;
  const turn = receive(machine, callback, request, options.clock.now(), options.observer);
  if (turn.status !== 200) return turn.status;
  // The slot is taken at once, so that a second request cannot take it too.
  makeTurn(session, turn);
  const durable = new Promise<void>((resolve) => {
    session.waiting.push(resolve);
  });
  post(session, (current) => ({ machine: current, entries: [], requests: [] }));
  await durable;
  return 200;
}
