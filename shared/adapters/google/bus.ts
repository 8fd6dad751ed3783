// The bus over Pub/Sub: one topic of facts, and a subscription for each service whose filter names the families it wants.
import type { PubSub } from "@google-cloud/pubsub";
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import type { AnyFact } from "../../domain/fact.ts";
import { type FactType, wireType } from "../../domain/facts.ts";
import type { Bus } from "../../ports/bus.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { FACT_BYTES_MAX } from "../../runtime/parse.ts";
import { ONLY_ATTRIBUTE, PUSH_ATTRIBUTE_BYTES_MAX } from "../../runtime/push-message.ts";
import type { Calls } from "./calls.ts";
import { publishingTopic } from "./pubsub-client.ts";

/** What the bus is made from. */
export interface BusOptions {
  /** Opens Pub/Sub, or answers with what is open. Asked at the first publish: its library takes as long to load as the rest of a start. */
  readonly client: () => Promise<PubSub>;
  readonly calls: Calls;
  /** Name of the topic of facts. */
  readonly topic: string;
  /** Service → the types it is subscribed to, as the topology has it. */
  readonly subscribers: Readonly<Record<string, readonly FactType[]>>;
}

/** The labels of a message, for filters and for people who look; what Pub/Sub would not take is left out. */
function labels(fact: AnyFact, only: string | undefined): Record<string, string> {
  const all: Record<string, string> = {
    type: fact.type,
    "ce-id": fact.id,
    "ce-type": wireType(fact.type),
    "ce-subject": fact.subject,
    ...(only === undefined ? {} : { [ONLY_ATTRIBUTE]: only }),
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => Buffer.byteLength(value) <= PUSH_ATTRIBUTE_BYTES_MAX),
  );
}

/**
 * Publishing resolves when Pub/Sub holds the message durably for every subscription; from there Pub/Sub gives it again until it
 * is handled, or is a dead letter. Without ordering keys: no order is promised, and one blocked key would hold back its subject.
 */
export function createBus({ client, calls, topic: name, subscribers }: BusOptions): Bus {
  const openTopic = openedOnce(async () => publishingTopic(await client(), name));
  return {
    async publish(fact, only) {
      // Its name may come from a letter: "constructor" is nobody who subscribed.
      const wanted = only !== undefined && Object.hasOwn(subscribers, only) ? subscribers[only] : undefined;
      if (only !== undefined && wanted?.includes(fact.type) !== true) {
        throw new ControlPlaneError(
          "NOT_FOUND",
          `No service ${only} that wants ${fact.type} is subscribed: add it to terraform/services.yaml, or give the message up.`,
          { reason: "SUBSCRIPTION_NOT_FOUND", metadata: { service: only, type: fact.type } },
        );
      }
      const data = Buffer.from(JSON.stringify(fact));
      if (data.byteLength > FACT_BYTES_MAX) {
        const message = `The fact has ${data.byteLength} bytes and ${FACT_BYTES_MAX} are allowed: say less in it.`;
        throw invalidArgument("data", message, "TOO_LARGE");
      }
      const topic = await openTopic();
      const doing = `Publishing ${fact.type} of ${fact.subject}`;
      await calls({ method: "Publish", doing, resource: name }, () =>
        topic.publishMessage({ data, attributes: labels(fact, only) }),
      );
    },
  };
}
