// One fact to several services: who is done is not asked again, and any failure makes the whole publication fail.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { AnyFact } from "../../domain/fact.ts";
import type { Bus } from "../../ports/bus.ts";
import { createAcknowledgements } from "./acknowledgements.ts";

/** One service to give facts to. `give` resolves to undefined when it is done, or to why it must be given the fact again. */
export interface Recipient {
  readonly name: string;
  wants(fact: AnyFact): boolean;
  give(fact: AnyFact): Promise<unknown>;
}

/** A bus over these recipients, which may grow. */
export function createFanOut(recipients: readonly Recipient[]): Bus {
  const acknowledged = createAcknowledgements();
  return {
    async publish(fact) {
      const left = recipients.filter((each) => each.wants(fact) && !acknowledged.has(fact, each.name));
      const results = await Promise.all(
        left.map(async (each) => ({ name: each.name, error: await each.give(fact) })),
      );
      const failed = results.filter(({ error }) => error !== undefined);
      if (failed.length === 0) {
        acknowledged.forget(fact);
        return;
      }
      acknowledged.keep(
        fact,
        results.filter(({ error }) => error === undefined).map(({ name }) => name),
      );
      const names = failed.map(({ name }) => name).join(", ");
      throw new ControlPlaneError(
        "UNAVAILABLE",
        `${fact.type} of ${fact.subject} must be given again to ${names}.`,
        {
          reason: "HANDLERS_FAILED",
          metadata: { services: names, fact: fact.id },
          cause: failed[0]?.error,
        },
      );
    },
  };
}
