import type { Due } from "../domain/decider.ts";
import type { AnyFact } from "../domain/fact.ts";
import type { FactType } from "../domain/facts.ts";

/** What was decided about one cause on one stream. */
export interface RecordedDecision {
  readonly stream: string;
  readonly cause: string;
  /** SHA-256 of the canonical input: the same cause with other content is refused. */
  readonly inputHash: string;
  /** The facts of the decision; empty when the input was ignored. */
  readonly facts: readonly AnyFact[];
  /** Why it was ignored, if it was. */
  readonly ignored?: string;
  readonly time: string;
}

/** One atomic batch of creates. `facts` empty means an ignored input: it takes one version too. */
export interface Batch {
  readonly stream: string;
  /** The stream's last version before this batch; 0 for a new stream. */
  readonly expected: number;
  readonly cause: string;
  readonly inputHash: string;
  readonly facts: readonly AnyFact[];
  readonly ignored?: string;
  readonly due: readonly Due[];
  readonly actor: string;
  readonly time: string;
}

/** A stream as it stands. `version` counts ignored inputs too, so it may exceed the last fact's version. */
export interface Stream {
  readonly version: number;
  readonly facts: readonly AnyFact[];
}

/** What a fold of a stream is: the decider's name, and the number that changes whenever its state or its fold does. */
export interface Fold {
  readonly name: string;
  readonly schema: number;
}

/** The state of a stream at a version, so that a fold can go on from there. A cache: the facts are the truth. */
export interface Snapshot {
  readonly version: number;
  /** JSON. */
  readonly state: unknown;
}

/** Which facts to list. */
export interface FactQuery {
  /** Opaque cursor of an earlier page; facts strictly after it in the listing's order. */
  readonly after?: string;
  readonly limit: number;
  readonly order: "oldest-first" | "newest-first";
  /** Only this stream, or the streams below it when it ends in `/`. */
  readonly subject?: string;
  readonly types?: readonly FactType[];
}

/** A page of facts. */
export interface FactPage {
  readonly facts: readonly AnyFact[];
  /** The cursor of each fact, in the same order: a list after it begins with the fact behind. Good in every listing of that order. */
  readonly cursors: readonly string[];
  /** Cursor of the last fact if there are more, else undefined. */
  readonly next: string | undefined;
}

/** Hears that something was recorded, by whatever process. */
export interface LedgerEar {
  /** How much was heard so far. Asked before a listing, so that what comes during it is not missed. */
  heard(): number;
  /** Whether it can hear at this moment; while it cannot, whoever follows must ask. */
  isHearing(): boolean;
  /** Resolves when more than `heard` was heard, when hearing begins or ends, after `ms`, or when the signal aborts. */
  wait(heard: number, ms: number, signal: AbortSignal): Promise<void>;
  /** Hears nothing more. */
  close(): void;
}

/**
 * The append-only memory of every aggregate. One stream per resource name.
 * Law: a batch (facts, cause, outbox rows, timers) is durable as a whole or not at all; of racing writers at the same
 * expected version exactly one wins; a cause is decided once per stream. No operation loses precision or key order of data.
 * A snapshot is never ahead of its stream.
 */
export interface Ledger {
  /** All facts of a stream after `afterVersion` (default 0), oldest first. An unknown stream is empty, not an error. */
  read(stream: string, afterVersion?: number): Promise<Stream>;

  /** What was decided about this cause on this stream, or undefined. */
  decision(stream: string, cause: string): Promise<RecordedDecision | undefined>;

  /**
   * Appends one batch. `appended`: durable now. `moved`: the stream is no longer at `expected`, nothing was written.
   * `decided`: this cause already has a decision on this stream, nothing was written.
   * Throws UNAVAILABLE when the result is unknown or the store is down.
   */
  append(batch: Batch): Promise<"appended" | "moved" | "decided">;

  /** The newest snapshot of this fold and schema, or undefined. */
  snapshot(stream: string, fold: Fold): Promise<Snapshot | undefined>;

  /**
   * Keeps a snapshot. Create-only: one that is there at this version stays as it is. Those of the same fold that are older, by
   * version or by schema, are dropped. Never needed for anything to be right: it may fail, or never be called.
   */
  keepSnapshot(stream: string, fold: Fold, snapshot: Snapshot): Promise<void>;

  /** Facts over all streams in the order in which they became durable, one page. Ignored inputs are left out. */
  list(query: FactQuery): Promise<FactPage>;

  /**
   * Begins to listen; the caller closes. Absent where asking costs nothing. What is heard is a reason to list and no more: something may
   * be heard late, twice, or without anything new, so whoever listens also lists from time to time.
   */
  listen?(): LedgerEar;
}
