// Who is done with a fact that others must be given again. Held in memory: forgetting only means handling twice.
import type { AnyFact } from "../../domain/fact.ts";

/** Facts remembered; the oldest are forgotten first. */
export const PARTLY_HANDLED_MAX = 10_000;

/** The memory of partly handled facts. */
export interface Acknowledgements {
  has(fact: AnyFact, service: string): boolean;
  keep(fact: AnyFact, services: readonly string[]): void;
  forget(fact: AnyFact): void;
}

/** An empty memory. */
export function createAcknowledgements(): Acknowledgements {
  const done = new Map<string, Set<string>>();
  return {
    has: (fact, service) => done.get(fact.id)?.has(service) ?? false,
    keep(fact, services) {
      const known = done.get(fact.id) ?? new Set();
      for (const name of services) known.add(name);
      done.set(fact.id, known);
      const oldest = done.keys().next().value;
      if (done.size > PARTLY_HANDLED_MAX && oldest !== undefined) done.delete(oldest);
    },
    forget(fact) {
      done.delete(fact.id);
    },
  };
}
