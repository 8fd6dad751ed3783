// The bus inside one process: every subscriber of a type is given the fact, in order per service and subject.
import { ControlPlaneError, isTransient } from "../../domain/errors.ts";
import type { AnyFact } from "../../domain/fact.ts";
import type { Bus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import type { FactService } from "../../runtime/fact-service.ts";
import type { Log } from "../../runtime/log.ts";

/** How long one service may take over one fact; long work belongs into builds and workflows. */
export const HANDLER_TIME_MAX_MS = 60_000;
/** Facts of which some services are done and others are not, remembered so that only the others are given it again. */
export const PARTLY_HANDLED_MAX = 10_000;

/** What the bus stands on. */
export interface BusPorts {
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly log: Log;
}

/** A bus whose subscribers are in this process. */
export interface LocalBus extends Bus {
  /** Gives every later fact of the service's inputs to it. */
  subscribe(service: FactService): void;
}

/** Runs work one after the other per key; the chain of a key ends with its last work. */
function createChains() {
  const tails = new Map<string, Promise<unknown>>();
  return async <Answer>(key: string, work: () => Promise<Answer>): Promise<Answer> => {
    const before = tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (tails.get(key) === mine) tails.delete(key);
    }
  };
}

/** Services that are done with a fact which others must be given again. The oldest are forgotten: handling twice is harmless. */
function createAcknowledgements() {
  const done = new Map<string, Set<string>>();
  return {
    has: (fact: AnyFact, service: FactService) => done.get(fact.id)?.has(service.name) ?? false,
    keep(fact: AnyFact, services: readonly FactService[]): void {
      const known = done.get(fact.id) ?? new Set();
      for (const { name } of services) known.add(name);
      done.set(fact.id, known);
      const oldest = done.keys().next().value;
      if (done.size > PARTLY_HANDLED_MAX && oldest !== undefined) done.delete(oldest);
    },
    forget: (fact: AnyFact) => done.delete(fact.id),
  };
}

/**
 * A bus in this process. A permanent error of a service puts the fact among its dead letters and counts as handled;
 * a transient or unknown error makes `publish` reject, and only the services that failed are given the fact again.
 */
export function createBus({ deadLetters, clock, log }: BusPorts): LocalBus {
  const services: FactService[] = [];
  const inOrder = createChains();
  const acknowledged = createAcknowledgements();

  /** Resolves to undefined when the service is done with the fact, else to why it must be given it again. */
  const deliver = async (service: FactService, fact: AnyFact): Promise<unknown> => {
    const fields = { service: service.name, fact: fact.id, type: fact.type, subject: fact.subject };
    try {
      const what = `${service.name} with ${fact.type} of ${fact.subject}`;
      await withDeadline(clock, HANDLER_TIME_MAX_MS, what, async () => service.handle(fact));
      return undefined;
    } catch (error) {
      if (isTransient(error)) {
        log.warn({ ...fields, error }, "fact not handled, to be given again");
        return error;
      }
      log.error({ ...fields, error }, "fact cannot be handled, kept as a dead letter");
      const { reason, message } = error as ControlPlaneError;
      const id = `${service.name}/${fact.id}`;
      const time = clock.now().toISOString();
      await deadLetters.put({ id, service: service.name, reason, message, payload: fact, time });
      return undefined;
    }
  };

  return {
    subscribe(service) {
      services.push(service);
    },
    async publish(fact) {
      const wanted = services.filter(({ inputs }) => inputs.includes(fact.type));
      const left = wanted.filter((service) => !acknowledged.has(fact, service));
      const results = await Promise.all(
        left.map(async (service) => ({
          service,
          error: await inOrder(`${service.name}\n${fact.subject}`, () => deliver(service, fact)),
        })),
      );
      const failed = results.filter(({ error }) => error !== undefined);
      if (failed.length === 0) {
        acknowledged.forget(fact);
        return;
      }
      acknowledged.keep(
        fact,
        results.filter(({ error }) => error === undefined).map(({ service }) => service),
      );
      const names = failed.map(({ service }) => service.name).join(", ");
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
