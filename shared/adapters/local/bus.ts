// The bus inside one process: every subscriber of a type is given the fact, in order per service and subject.
import type { AnyFact } from "../../domain/fact.ts";
import type { Bus } from "../../ports/bus.ts";
import { deliver, type DeliverPorts } from "../../runtime/deliver.ts";
import type { FactService } from "../../runtime/fact-service.ts";
import { createFanOut, type Recipient } from "./fan-out.ts";

/** A bus whose subscribers are in this process. */
export interface LocalBus extends Bus {
  /** Gives every later fact of the service's inputs to it. */
  subscribe(service: FactService): void;
}

/** Runs work one after the other per key; the chain of a key ends with its last work. */
function createChains() {
  const tails = new Map<string, Promise<unknown>>();
  return async <Answer>(key: string, work: () => Promise<Answer>): Promise<Answer> => {
    const mine = (tails.get(key) ?? Promise.resolve()).then(work, work);
    tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (tails.get(key) === mine) tails.delete(key);
    }
  };
}

/**
 * A bus in this process. A permanent error of a service puts the fact among its dead letters and counts as handled;
 * a transient or unknown error makes `publish` reject, and only the services that failed are given the fact again.
 */
export function createBus(ports: DeliverPorts): LocalBus {
  const recipients: Recipient[] = [];
  const inOrder = createChains();
  const give = async (service: FactService, fact: AnyFact): Promise<unknown> => {
    const delivered = await inOrder(`${service.name}\n${fact.subject}`, () => deliver(ports, service, fact));
    return delivered.outcome === "again" ? delivered.error : undefined;
  };
  return {
    ...createFanOut(recipients),
    subscribe(service) {
      const { name, inputs } = service;
      recipients.push({
        name,
        wants: ({ type }) => inputs.includes(type),
        give: (fact) => give(service, fact),
      });
    },
  };
}
