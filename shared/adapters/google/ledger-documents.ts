// The ledger's documents. A slot is one version of one stream: a fact, or nothing for an input that was ignored.
import { FieldValue, type Timestamp } from "@google-cloud/firestore";
import type { AnyFact } from "../../domain/fact.ts";
import { documentId, documentText, hashedId } from "./firestore-documents.ts";

/** Collections of the ledger. */
export const LEDGER_COLLECTIONS = {
  slots: "facts",
  causes: "causes",
  outbox: "outbox",
  timers: "timers",
  snapshots: "snapshots",
} as const;

/** How long settled rows and fired timers stay to be looked at, before Firestore's TTL removes them. */
export const SETTLED_KEPT_MS = 45 * 24 * 3_600_000;

const VERSION_DIGITS = 10;

/** Id of a slot: ids of one stream are in the order of its versions, and a version can be created once. */
export const slotId = (stream: string, version: number): string =>
  `${documentId(stream, `The stream ${stream}`)}@${String(version).padStart(VERSION_DIGITS, "0")}`;

/** Id of the decision about a cause. */
export const causeId = (stream: string, cause: string): string =>
  `${documentId(stream, `The stream ${stream}`)}@${hashedId(cause)}`;

/** One version of a stream. An ignored input has neither `at` nor `fact`, so no listing finds it. */
export interface Slot {
  readonly stream: string;
  readonly version: number;
  readonly fact?: string;
  readonly type?: string;
  /** When Firestore took the request, to the millisecond: close to the commit, and can be queried. */
  readonly at?: Timestamp;
  /** Every `a/`, `a/b/` that the stream is below. */
  readonly below?: readonly string[];
}

/** The decision about one cause. */
export interface CauseDocument {
  readonly stream: string;
  readonly cause: string;
  readonly inputHash: string;
  readonly version: number;
  readonly facts: number;
  readonly ignored: string | null;
  readonly actor: string;
  readonly time: string;
}

/** The names with `/` that a stream is below: `a/b/c` is below `a/` and `a/b/`. */
export function namesAbove(stream: string): readonly string[] {
  const parts = stream.split("/");
  return parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
}

/** The slot of a fact. */
export function factSlot(fact: AnyFact, text: string): Record<string, unknown> {
  return {
    stream: fact.subject,
    version: fact.version,
    type: fact.type,
    fact: text,
    at: FieldValue.serverTimestamp(),
    below: namesAbove(fact.subject),
  };
}

/** The outbox row of a fact. It carries the fact, so that publishing needs one query. */
export function outboxRow(fact: AnyFact, text: string): Record<string, unknown> {
  return {
    fact: text,
    state: "pending",
    attempts: 0,
    since: fact.time,
    // The first attempt is due at once, whatever a host's clock may do between two processes.
    nextAttempt: "",
    at: FieldValue.serverTimestamp(),
    version: fact.version,
  };
}

/** JSON text of a fact. */
export const factText = (fact: AnyFact): string =>
  documentText(fact, `The fact ${fact.type} on ${fact.subject}`);

/** The fact of a text that `factText` wrote. */
export const factOfText = (text: string): AnyFact => JSON.parse(text) as AnyFact;
