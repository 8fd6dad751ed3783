// A machine at rest as JSON, and back. The program is not part of it: its revision is, and must be the same.
import type { Program } from "../compile/program.ts";
import { decodeValue, encodeValue, type EncodedValue } from "../values/codec.ts";
import { NonDeterminismError } from "./journal.ts";
import type { Frame, Machine, Raised, Thread, TryEntry } from "./state.ts";

type EncodedRaised = Omit<Raised, "value"> & { readonly value: EncodedValue };
type EncodedTry =
  | Exclude<TryEntry, { kind: "handling" }>
  | (Omit<TryEntry & { kind: "handling" }, "raised"> & { readonly raised: EncodedRaised });

interface EncodedFrame extends Omit<Frame, "vars" | "outer" | "tries" | "into"> {
  readonly vars: readonly (EncodedValue | { readonly unassigned: true })[];
  readonly tries: readonly EncodedTry[];
  readonly into: Frame["into"] | null;
  /** The frame around a branch: the id of its thread and its place on that thread's stack. */
  readonly outer: readonly [string, number] | null;
}

interface EncodedThread extends Omit<Thread, "frames" | "join" | "pending" | "parent"> {
  readonly parent: string | null;
  readonly frames: readonly EncodedFrame[];
  readonly pending: Thread["pending"] | null;
  readonly join:
    | (Omit<NonNullable<Thread["join"]>, "items" | "first"> & {
        readonly items: EncodedValue;
        readonly first: EncodedValue;
      })
    | null;
}

/** A machine as JSON. */
export interface Snapshot extends Pick<
  Machine,
  "seed" | "callbackBase" | "nowMs" | "random" | "bytes" | "branchErrors"
> {
  readonly revision: string;
  readonly env: Readonly<Record<string, string>>;
  readonly threads: readonly EncodedThread[];
  readonly callbacks: readonly (Omit<Machine["callbacks"][number], "held"> & {
    readonly held: Machine["callbacks"][number]["held"] | null;
  })[];
  readonly tally: Omit<Machine["tally"], "billed" | "outside" | "visits" | "ways"> & {
    readonly billed: readonly [number, number][];
    readonly outside: readonly [number, number][];
    readonly visits: readonly [number, number][];
    readonly ways: readonly [string, number][];
  };
  readonly outcome: Machine["outcome"] | null;
}

const UNASSIGNED = { unassigned: true } as const;

/** Writes a machine down. */
export function snapshot(machine: Machine): Snapshot {
  const { program, env, seed, callbackBase, nowMs, random, bytes, branchErrors, callbacks, tally, outcome } =
    machine;
  const places = new Map<Frame, readonly [string, number]>();
  for (const thread of machine.threads)
    for (const [index, frame] of thread.frames.entries()) places.set(frame, [thread.id, index]);
  return {
    revision: program.revision,
    env: Object.fromEntries(env),
    seed,
    callbackBase,
    nowMs,
    random,
    bytes,
    branchErrors,
    threads: machine.threads.map((thread) => encodeThread(thread, places)),
    callbacks: callbacks.map((callback) => ({ ...callback, held: callback.held ?? null })),
    tally: {
      ...tally,
      billed: [...tally.billed],
      outside: [...tally.outside],
      visits: [...tally.visits],
      ways: [...tally.ways],
    },
    outcome: outcome ?? null,
  };
}

function encodeThread(thread: Thread, places: ReadonlyMap<Frame, readonly [string, number]>): EncodedThread {
  const { join } = thread;
  return {
    ...thread,
    parent: thread.parent ?? null,
    pending: thread.pending ?? null,
    join:
      join === undefined
        ? null
        : { ...join, items: encodeValue(join.items ?? null), first: encodeValue(join.first ?? null) },
    frames: thread.frames.map((frame) => ({
      ...frame,
      vars: Array.from(frame.vars, (value) => (value === undefined ? UNASSIGNED : encodeValue(value))),
      tries: frame.tries.map((entry) =>
        entry.kind === "try"
          ? entry
          : { ...entry, raised: { ...entry.raised, value: encodeValue(entry.raised.value) } },
      ),
      into: frame.into ?? null,
      outer: frame.outer === undefined ? null : (places.get(frame.outer) ?? null),
    })),
  };
}

/** Reads a machine back. @throws {NonDeterminismError} when the program is not the one that the machine ran. */
export function restore(program: Program, saved: Snapshot): Machine {
  if (saved.revision !== program.revision) {
    throw new NonDeterminismError(
      `${program.file}: the machine ran revision ${saved.revision.slice(0, 12)}, the program is ${program.revision.slice(0, 12)}`,
      "",
      0,
    );
  }
  const frames = new Map<string, Frame>();
  const threads: Thread[] = [];
  // A thread stands after the one that started it, so outer frames are known when they are needed.
  for (const thread of saved.threads) {
    const decoded = thread.frames.map((frame, index) => {
      const made = decodeFrame(frame, frames);
      frames.set(`${thread.id} ${index}`, made);
      return made;
    });
    const { join } = thread;
    const items = join === null ? null : decodeValue(join.items);
    const first = join === null ? null : decodeValue(join.first);
    threads.push({
      ...thread,
      parent: thread.parent ?? undefined,
      pending:
        thread.pending === null || thread.pending === undefined
          ? undefined
          : { ...thread.pending, into: thread.pending.into },
      join:
        join === null
          ? undefined
          : {
              ...join,
              items: Array.isArray(items) ? items : undefined,
              first: typeof first === "bigint" || typeof first === "number" ? first : undefined,
              errors: [...join.errors],
            },
      frames: decoded,
    });
  }
  const { env, seed, callbackBase, nowMs, random, bytes, branchErrors, callbacks, tally, outcome } = saved;
  return {
    program,
    env: new Map(Object.entries(env)),
    seed,
    callbackBase,
    nowMs,
    random,
    bytes,
    branchErrors,
    threads,
    callbacks: callbacks.map((callback) => ({ ...callback, held: callback.held ?? undefined })),
    tally: {
      ...tally,
      billed: new Map(tally.billed),
      outside: new Map(tally.outside),
      visits: new Map(tally.visits),
      ways: new Map(tally.ways),
    },
    outcome: outcome ?? undefined,
  };
}

function decodeFrame(frame: EncodedFrame, frames: ReadonlyMap<string, Frame>): Frame {
  return {
    ...frame,
    vars: frame.vars.map((value) =>
      value !== null && typeof value === "object" && "unassigned" in value ? undefined : decodeValue(value),
    ),
    tries: frame.tries.map((entry) =>
      entry.kind === "try"
        ? entry
        : { ...entry, raised: { ...entry.raised, value: decodeValue(entry.raised.value) } },
    ),
    into: frame.into ?? undefined,
    outer: frame.outer === null ? undefined : frames.get(frame.outer.join(" ")),
  };
}
