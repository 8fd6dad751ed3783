// Rules read as sentences: given(decider, ...facts).when(input).then(...drafts).
import { expect } from "vitest";
import type { Decider, DueDraft } from "../../shared/domain/decider.ts";
import type { Draft, FactOf } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import { factFrom } from "./facts.ts";

/** What may be said about the decision of one input. */
export interface Decided<State, Type extends FactType> {
  /** Exactly these facts happen, in this order. */
  then(...drafts: readonly Draft<Type>[]): void;
  /** Exactly these timers are set beside the facts. */
  thenDue(...due: readonly DueDraft[]): void;
  /** The input is ignored, for a reason that matches. */
  thenIgnored(reason?: string | RegExp): void;
  /** The input is refused with an error that has these properties; nothing would be recorded. */
  thenRefused(expected: { readonly code?: string; readonly reason?: string; readonly field?: string }): void;
  /** The facts that happen, to look at more closely. Fails when the input is ignored. */
  facts(): readonly Draft<Type>[];
  /** The state after the decision. */
  state(): State;
}

/**
 * Past facts, as drafts or as whole facts; drafts get envelopes in order (version n, cause `past-n`).
 * The facts fold through the decider's own `evolve`, as they would in a ledger.
 */
export function given<State, Input, Type extends FactType>(
  decider: Decider<State, Input, Type>,
  ...past: readonly (Draft<Type> | FactOf<Type>)[]
): { when(input: Input): Decided<State, Type>; state(): State } {
  const fold = (state: State, drafts: readonly (Draft<Type> | FactOf<Type>)[], from: number): State =>
    drafts.reduce((before, draft, index) => {
      const version = from + index + 1;
      const fact = "id" in draft ? draft : factFrom(draft, { version, cause: `past-${version}` });
      return decider.evolve(before, fact);
    }, state);
  const state = fold(decider.initial, past, 0);
  return {
    state: () => state,
    when(input) {
      const decide = () => decider.decide(state, input);
      const facts = (): readonly Draft<Type>[] => {
        const decision = decide();
        if (decision.kind === "ignored") throw new Error(`the input was ignored: ${decision.reason}`);
        return decision.facts;
      };
      return {
        facts,
        state: () => fold(state, facts(), past.length),
        // oxlint-disable-next-line unicorn/no-thenable -- the sentence needs the word, and nobody awaits it
        then(...drafts) {
          const decision = decide();
          expect(decision.kind === "facts" ? decision.facts : decision).toEqual(drafts);
        },
        thenDue(...due) {
          const decision = decide();
          expect(decision.kind === "facts" ? (decision.due ?? []) : decision).toEqual(due);
        },
        thenIgnored(reason) {
          expect(decide().kind).toBe("ignored");
          if (reason !== undefined) expect(decide()).toMatchObject({ reason: expect.stringMatching(reason) });
        },
        thenRefused(expected) {
          let thrown: unknown;
          try {
            decide();
          } catch (error) {
            thrown = error;
          }
          expect(thrown).toMatchObject(expected);
        },
      };
    },
  };
}
