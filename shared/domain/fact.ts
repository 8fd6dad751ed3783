// The envelope of every fact, and the ids that make a retry write the same bytes.
import { hash } from "node:crypto";
import type { FactData, FactType } from "./facts.ts";

/** Who did something: a principal, or a service of ours as `services/{service}`. */
export type Actor = string;

/** Something that happened, durable and immutable. The subject is the resource name whose stream it belongs to. */
export interface Fact<Type extends FactType = FactType> {
  /** Derived from subject, cause and index: a retry gives the same id. */
  readonly id: string;
  readonly type: Type;
  /** Resource name of the stream. */
  readonly subject: string;
  /** Position in the stream, from 1, without gaps (ignored inputs take a version too). */
  readonly version: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string;
  /** Idempotency key and causation id: what this fact answers. */
  readonly cause: string;
  /** W3C `traceparent` of the story that this fact is part of, or empty. */
  readonly correlation: string;
  readonly actor: Actor;
  readonly data: FactData<Type>;
}

/** A fact of any of the given types, discriminated by `type`. */
export type FactOf<Type extends FactType> = { [T in Type]: Fact<T> }[Type];

/** Any fact of the vocabulary, discriminated by `type`. */
export type AnyFact = FactOf<FactType>;

/** What a decider returns: the part of a fact that is its decision; the envelope is added when it is recorded. */
export type Draft<Type extends FactType = FactType> = {
  [T in Type]: { readonly type: T; readonly data: FactData<T> };
}[Type];

/** Id of the index-th fact that `cause` produced on `subject`. */
export function factId(subject: string, cause: string, index: number): string {
  return hash("sha256", `${subject}\n${cause}\n${index}`).slice(0, 32);
}

/** A stable short id from parts, for names that must be the same on every retry: 12 hex characters of SHA-256. */
export function shortHash(...parts: readonly string[]): string {
  return hash("sha256", parts.join("\n")).slice(0, 12);
}
