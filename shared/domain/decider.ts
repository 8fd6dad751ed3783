// The shape of every rule in the product: past facts and one input give the next facts, or a reason to ignore it.
import type { Draft, FactOf } from "./fact.ts";
import type { FactType } from "./facts.ts";

/** A durable timer: at `time`, `timer.due` is published with this name and the stream's subject. */
export interface Due {
  /** Unique within the stream; setting the same name again in a later decision adds another timer with its own time. */
  readonly name: string;
  /** RFC 3339. */
  readonly time: string;
}

/** A timer as a decision sets it: at a time that its input names, or so many milliseconds after the facts that it is set with. */
export type DueDraft = Due | { readonly name: string; readonly afterMs: number };

/** The next facts (at least one) and the timers they set, or the reason why nothing happens. */
export type Decision<Type extends FactType> =
  | { readonly kind: "facts"; readonly facts: readonly Draft<Type>[]; readonly due?: readonly DueDraft[] }
  | { readonly kind: "ignored"; readonly reason: string };

/**
 * A pure rule. `decide` may throw a ControlPlaneError to refuse an input (nothing is recorded then);
 * `evolve` never throws. A decider never takes as input a fact that it emits.
 */
export interface Decider<State, Input, Type extends FactType> {
  readonly initial: State;
  readonly decide: (state: State, input: Input) => Decision<Type>;
  readonly evolve: (state: State, fact: FactOf<Type>) => State;
  /** For streams that grow long: how their state is kept, so that not every fact is folded each time. */
  readonly snapshots?: Snapshots<State>;
}

/** How the state of a long stream is kept as JSON. A test proves that a fold which goes on from it is the same fold. */
export interface Snapshots<State> {
  readonly name: string;
  /** Raise it whenever the state or the fold changes: what was kept before is then dropped and folded anew. */
  readonly schema: number;
  readonly freeze: (state: State) => unknown;
  readonly thaw: (kept: unknown) => State;
}

/** These facts happen next. */
export function happens<Type extends FactType>(
  facts: readonly Draft<Type>[],
  due: readonly DueDraft[] = [],
): Decision<Type> {
  return due.length > 0 ? { kind: "facts", facts, due } : { kind: "facts", facts };
}

/** Nothing happens, because … (the reason is kept and shown on request). */
export function ignored(reason: string): { readonly kind: "ignored"; readonly reason: string } {
  return { kind: "ignored", reason };
}
