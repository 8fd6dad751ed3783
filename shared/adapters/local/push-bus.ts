// The bus between processes of one machine: facts are pushed over HTTP in the shape of Pub/Sub, as they are in production.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { AnyFact } from "../../domain/fact.ts";
import { wireType } from "../../domain/facts.ts";
import type { Bus } from "../../ports/bus.ts";
import { createFanOut } from "./fan-out.ts";

/** How long one push may take; longer than a handler may, so that its own deadline speaks first. */
export const PUSH_TIME_MAX_MS = 60_000;

/** A service that listens in another process. */
export interface PushSubscriber {
  readonly name: string;
  readonly url: string;
}

/** The body of a push of Pub/Sub for this fact. */
export function pushBody(fact: AnyFact, subscription: string): string {
  return JSON.stringify({
    message: {
      data: Buffer.from(JSON.stringify(fact)).toString("base64"),
      messageId: fact.id,
      publishTime: fact.time,
      orderingKey: fact.subject,
      attributes: { "ce-id": fact.id, "ce-type": wireType(fact.type), "ce-subject": fact.subject },
    },
    subscription,
  });
}

/** Pushes one fact; answers why it must be pushed again, if it must. */
async function push({ name, url }: PushSubscriber, token: string, fact: AnyFact): Promise<unknown> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: pushBody(fact, `local/${name}`),
      signal: AbortSignal.timeout(PUSH_TIME_MAX_MS),
      redirect: "error",
    });
    await response.body?.cancel();
    if (response.ok) return undefined;
    return new ControlPlaneError(
      "UNAVAILABLE",
      `${name} at ${url} answered ${response.status}. Look at its log.`,
      {
        reason: "PUSH_REFUSED",
        metadata: { service: name, status: String(response.status) },
      },
    );
  } catch (error) {
    return new ControlPlaneError(
      "UNAVAILABLE",
      `${name} at ${url} cannot be reached. Start it, or correct its URL.`,
      {
        reason: "PUSH_FAILED",
        metadata: { service: name },
        cause: error,
      },
    );
  }
}

/** A bus that pushes every fact to every subscriber; a service answers 204 for what it does not want. */
export function createPushBus(subscribers: readonly PushSubscriber[], token: string): Bus {
  return createFanOut(
    subscribers.map((subscriber) => ({
      name: subscriber.name,
      wants: () => true,
      give: (fact: AnyFact) => push(subscriber, token, fact),
    })),
  );
}
