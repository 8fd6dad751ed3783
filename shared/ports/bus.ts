import type { AnyFact } from "../domain/fact.ts";

/**
 * Carries facts to the services that asked for their type.
 * Law: at least once, in no promised order. Resolves when every subscriber has handled the fact, or has been given it
 * durably; rejects when at least one must be tried again. Publishing the same fact again is harmless. With `only`, the one
 * subscription of that name is given the fact, whether or not it had it before; NOT_FOUND when there is none that wants it.
 */
export interface Bus {
  publish(fact: AnyFact, only?: string): Promise<void>;
}
