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

const toBeGivenAgain = (fact: AnyFact, services: string, cause: unknown): ControlPlaneError =>
  new ControlPlaneError(
    "UNAVAILABLE",
    `${fact.type} of ${fact.subject} must be given again to ${services}.`,
    {
      reason: "HANDLERS_FAILED",
      metadata: { services, fact: fact.id },
      cause,
    },
  );

/** A bus over these recipients, which may grow. */
export function createFanOut(recipients: readonly Recipient[]): Bus {
  const acknowledged = createAcknowledgements();
  const publishTo = async (fact: AnyFact, only: string): Promise<void> => {
    const one = recipients.find((each) => each.name === only && each.wants(fact));
    if (one === undefined) {
      throw new ControlPlaneError(
        "NOT_FOUND",
        `No service ${only} that wants ${fact.type} is subscribed: start it, or give the message up.`,
        { reason: "SUBSCRIPTION_NOT_FOUND", metadata: { service: only, type: fact.type } },
      );
    }
    const error = await one.give(fact);
    if (error !== undefined) throw toBeGivenAgain(fact, only, error);
  };
  return {
    async publish(fact, only) {
      if (only !== undefined) return publishTo(fact, only);
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
      throw toBeGivenAgain(fact, names, failed[0]?.error);
    },
  };
}
