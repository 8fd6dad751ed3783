// What streams were last folded to. Facts never change, so a fold that was right stays right: only what came after it is read.
import type { Decider } from "../domain/decider.ts";
import type { FactOf } from "../domain/fact.ts";
import type { FactType } from "../domain/facts.ts";
import type { Ledger, Stream } from "../ports/ledger.ts";
import { type Told, toldBy } from "./stream-story.ts";

/** Streams of one ledger whose state is remembered; the ones used longest ago are forgotten first. */
export const STATES_KNOWN_MAX = 500;

/** A stream as it was folded, and what is known of it beside. */
export interface Known<State> {
  readonly state: State;
  readonly version: number;
  /** Facts that were folded since the snapshot, or since the beginning. */
  readonly folded: number;
  readonly told: Told;
  /** Whether it had grown by others than this process when it was last read. */
  readonly isShared: boolean;
}

interface Entry {
  readonly decider: unknown;
  readonly known: Known<unknown>;
}

const ledgers = new WeakMap<Ledger, Map<string, Entry>>();

/** What this process knows of the stream. */
export function knownState<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  stream: string,
): Known<State> | undefined {
  const entry = ledgers.get(ledger)?.get(stream);
  return entry?.decider === decider ? (entry.known as Known<State>) : undefined;
}

/** Remembers it, unless more is known already; answers what it was given. */
export function rememberState<State, Input, Type extends FactType>(
  ledger: Ledger,
  decider: Decider<State, Input, Type>,
  stream: string,
  known: Known<State>,
): Known<State> {
  const streams = ledgers.get(ledger) ?? new Map<string, Entry>();
  ledgers.set(ledger, streams);
  const before = streams.get(stream);
  if (before?.decider === decider && before.known.version > known.version) return known;
  streams.delete(stream);
  streams.set(stream, { decider, known });
  if (streams.size > STATES_KNOWN_MAX) streams.delete(streams.keys().next().value ?? "");
  return known;
}

/** Forgets what this process knows of the stream. */
export function forgetState(ledger: Ledger, stream: string): void {
  ledgers.get(ledger)?.delete(stream);
}

/** A fold before its first fact; `isWhole`: from the stream's first fact on, and not from a snapshot. */
export function beginning<State>(state: State, isWhole = true): Known<State> {
  const told = { stories: new Map<unknown, string>(), isAll: isWhole };
  return { state, version: 0, folded: 0, told, isShared: false };
}

/** The state with what came after it. */
export function grown<State, Input, Type extends FactType>(
  { evolve }: Decider<State, Input, Type>,
  before: Known<State>,
  { version, facts }: Stream,
): Known<State> {
  return {
    ...before,
    version,
    state: (facts as readonly FactOf<Type>[]).reduce(evolve, before.state),
    folded: before.folded + facts.length,
    told: toldBy(before.told, facts),
  };
}
