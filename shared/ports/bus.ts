import type { AnyFact } from "../domain/fact.ts";

/**
 * Carries facts to the services that asked for their type.
 * Law: at least once, in no promised order. Resolves when every subscriber has handled the fact, or has been given it
 * durably; rejects when at least one must be tried again. Publishing the same fact again is harmless.
 */
export interface Bus {
  publish(fact: AnyFact): Promise<void>;
}
