// The end of all retries: a message becomes one dead letter for every subscription that could not handle it.
import { ControlPlaneError } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import type { DeadLetters } from "../ports/dead-letters.ts";

/** Subscriptions whose letters are kept one by one; a bus has a handful. */
const SERVICES_MAX = 50;

/** Who could not handle the fact, as the bus says; the relay itself when it cannot be told. */
function failedServices(error: unknown): readonly string[] {
  if (!(error instanceof ControlPlaneError) || error.reason !== "HANDLERS_FAILED") return ["relay"];
  return (error.metadata["services"] ?? "relay").split(", ").slice(0, SERVICES_MAX);
}

/** Keeps a fact that was not handled in time, for each subscription that failed, so that a replay reaches only those. */
export async function keepExhausted(
  deadLetters: DeadLetters,
  fact: AnyFact,
  error: unknown,
  time: string,
): Promise<void> {
  const message = error instanceof Error ? error.message : String(error);
  for (const service of failedServices(error)) {
    const id = `${service}/${fact.id}`;
    await deadLetters.put({ id, service, reason: "RETRIES_EXHAUSTED", message, payload: fact, time });
  }
}
