// Resumes an execution by folding its journal: the machine runs again and must ask for exactly what it asked for before.
import type { Program } from "../compile/program.ts";
import { NonDeterminismError, type JournalEntry } from "./journal.ts";
import { advance, cancel, complete, fireTimer, outstanding, receive, start, type Turn } from "./machine.ts";
import type { EffectRequest } from "./request.ts";
import type { Observer } from "./run.ts";
import type { Machine } from "./state.ts";

/** A machine brought back: `entries` are those that the journal still lacks, `requests` wait for an answer. */
export interface Resumed extends Turn {
  /** Requests of the journal without a completion first: they are issued again. */
  readonly requests: readonly EffectRequest[];
}

/**
 * Folds a journal. It must begin with ExecutionStarted.
 * @throws {NonDeterminismError} when the program is another one, or does something else than the journal says.
 */
export function resume(program: Program, journal: readonly JournalEntry[], observer?: Observer): Resumed {
  const [first] = journal;
  if (first?.type !== "ExecutionStarted")
    throw new NonDeterminismError("the journal does not begin with ExecutionStarted", "", 0);
  const { argument, env, seed, callbackBase, startedMs: nowMs } = first;
  const started = start(program, { argument, env, seed, callbackBase, nowMs });
  let { machine } = started;
  let produced: JournalEntry[] = started.entries.slice(1);
  let position = 1;
  const settle = (): void => {
    for (const entry of produced.splice(0)) {
      const known = journal[position];
      if (known === undefined) {
        pending.push(entry);
        continue;
      }
      if (pending.length > 0 || !sameEntry(known, entry))
        throw diverged(program, first.revision, known, entry);
      position++;
    }
  };
  const pending: JournalEntry[] = [];
  const begun = advance(machine, observer);
  machine = begun.machine;
  produced.push(...begun.entries);
  settle();
  for (let next = journal[position]; next !== undefined; next = journal[position]) {
    const told = tell(machine, next, observer);
    if (told === undefined || told.entries.length === 0)
      throw diverged(program, first.revision, next, undefined);
    machine = told.machine;
    produced = [...told.entries];
    settle();
  }
  if (first.revision !== program.revision) throw changed(program, first.revision, journal);
  return { machine, entries: pending, requests: inOrder(machine, [...journal, ...pending]) };
}

/** The requests that still wait, in the order in which they were made: they come back in the order of an unbroken run. */
function inOrder(machine: Machine, entries: readonly JournalEntry[]): EffectRequest[] {
  const waiting = new Set(outstanding(machine).map(({ id }) => id));
  return entries.flatMap((entry) => {
    const request = requestOf(entry);
    return request !== undefined && waiting.has(request.id) ? [request] : [];
  });
}

/** Tells the machine what an entry of the journal says that it was told. */
function tell(machine: Machine, entry: JournalEntry, observer: Observer | undefined): Turn | undefined {
  switch (entry.type) {
    case "EffectCompleted":
      return complete(machine, entry.id, entry.result, entry.atMs, observer);
    case "TimerFired":
      return fireTimer(machine, entry.id, entry.atMs, observer);
    case "CallbackReceived":
      return receive(machine, entry.callback, entry.request, entry.receivedMs, observer);
    case "Cancelled":
      return cancel(machine);
    default:
      return undefined;
  }
}

function sameEntry(known: JournalEntry, made: JournalEntry): boolean {
  // Most stores keep the order of keys: sorting them, which is most of the work of a resumption, is for the others.
  return JSON.stringify(known) === JSON.stringify(made) || stable(known) === stable(made);
}

/** JSON with sorted keys: a journal may come back from a store that orders them anew. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (item === null || typeof item !== "object" || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function requestOf(entry: JournalEntry | undefined): EffectRequest | undefined {
  return entry?.type === "EffectRequested" ? entry.request : undefined;
}

function describe(entry: JournalEntry | undefined): string {
  const request = requestOf(entry);
  if (request === undefined) return entry === undefined ? "nothing" : entry.type;
  const what = request.kind === "http" ? `${request.method} ${request.url}` : request.kind;
  return `${what} in step ${JSON.stringify(request.step)} (line ${request.line})`;
}

function diverged(
  program: Program,
  revision: string,
  known: JournalEntry,
  made: JournalEntry | undefined,
): NonDeterminismError {
  const where = requestOf(made) ?? requestOf(known);
  const cause = revision === program.revision ? "" : " (the workflow has changed since)";
  const message = `${program.file}: the journal says ${describe(known)}, the program does ${describe(made)}${cause}`;
  return new NonDeterminismError(message, where?.step ?? "", where?.line ?? 0);
}

function changed(program: Program, revision: string, journal: readonly JournalEntry[]): NonDeterminismError {
  const last = journal.findLast((entry) => entry.type === "EffectRequested");
  const where = requestOf(last);
  const message = `${program.file}: the workflow has changed since (revision ${program.revision.slice(0, 12)}, journal ${revision.slice(0, 12)}); the journal agrees up to ${describe(last)}`;
  return new NonDeterminismError(message, where?.step ?? "", where?.line ?? 0);
}
