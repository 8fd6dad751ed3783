// Opens Pub/Sub. Its library is loaded here, when a process that needs it starts, and by no other.
import type { PubSub, Topic, v1 } from "@google-cloud/pubsub";
import { GOOGLE_CALL_TIMEOUT_MS, ONCE } from "./calls.ts";

/** Where Pub/Sub is. */
export interface PubSubPlace {
  readonly project: string;
  /** `host:port` of an emulator; Google's own service without. */
  readonly emulator?: string;
}

/** A client of Pub/Sub. */
export async function openPubSub({ project, emulator }: PubSubPlace): Promise<PubSub> {
  const { PubSub: Client } = await import("./pubsub-library.ts");
  return new Client(
    emulator === undefined
      ? { projectId: project }
      : { projectId: project, apiEndpoint: emulator, emulatorMode: true },
  );
}

/** A client that pulls, for subscriptions that push to nobody. Nothing is asked before the first pull. */
export async function openSubscriber(project: string): Promise<v1.SubscriberClient> {
  const { v1: clients } = await import("./pubsub-library.ts");
  return new clients.SubscriberClient({ projectId: project });
}

/**
 * A topic that sends every message at once and says so when it is durable: what is left in a batch when the request ends is
 * lost when the instance is put to sleep. It asks once; who publishes asks again.
 */
export function publishingTopic(client: PubSub, name: string): Topic {
  return client.topic(name, {
    batching: { maxMessages: 1, maxMilliseconds: 0 },
    gaxOpts: { ...ONCE, timeout: GOOGLE_CALL_TIMEOUT_MS },
  });
}
