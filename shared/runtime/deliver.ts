// What becomes of one fact at one service, the same for every bus: handled, kept as a dead letter, or to be given again.
import { type ControlPlaneError, isTransient } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import type { Clock } from "../ports/clock.ts";
import type { DeadLetters } from "../ports/dead-letters.ts";
import { withDeadline } from "./deadline.ts";
import type { FactService } from "./fact-service.ts";
import { withLeftBehind } from "./left-behind.ts";
import type { Log } from "./log.ts";
import { inFactSpan } from "./tracing.ts";

/** How long one service may take over one fact, below every acknowledgement deadline; long work belongs into builds and workflows. */
export const HANDLER_TIME_MAX_MS = 50_000;

/** What delivering needs. */
export interface DeliverPorts {
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly log: Log;
}

/** The end of one delivery. `again`: the fact must be given to the service once more, because of the error. */
export type Delivered =
  | { readonly outcome: "handled" | "not-wanted" | "dead-letter" }
  | { readonly outcome: "again"; readonly error: unknown };

/**
 * Gives a fact to a service. A permanent error puts it among the dead letters; a transient or unknown one asks for it again.
 * Rejects only when the dead letter could not be kept.
 */
export async function deliver(ports: DeliverPorts, service: FactService, fact: AnyFact): Promise<Delivered> {
  const { deadLetters, clock, log } = ports;
  if (!service.inputs.includes(fact.type)) return { outcome: "not-wanted" };
  const fields = { handler: service.name, fact: fact.id, type: fact.type, subject: fact.subject };
  try {
    const what = `${service.name} with ${fact.type} of ${fact.subject}`;
    await withDeadline(clock, HANDLER_TIME_MAX_MS, what, () =>
      inFactSpan(service.name, fact, () => withLeftBehind(async () => service.handle(fact))),
    );
    return { outcome: "handled" };
  } catch (error) {
    if (isTransient(error)) {
      log.warn({ ...fields, error }, "fact not handled, to be given again");
      return { outcome: "again", error };
    }
    log.error({ ...fields, error }, "fact cannot be handled, kept as a dead letter");
    const { reason, message } = error as ControlPlaneError;
    const id = `${service.name}/${fact.id}`;
    const time = clock.now().toISOString();
    await deadLetters.put({ id, service: service.name, reason, message, payload: fact, time });
    return { outcome: "dead-letter" };
  }
}
