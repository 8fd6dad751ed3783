// Messages that Pub/Sub gave up, fetched from the dead-letter subscription of each service into the list that people see.
import { createHash } from "node:crypto";
import type { v1 } from "@google-cloud/pubsub";
import type { Clock } from "../../ports/clock.ts";
import type { DeadLetters, FailedMessage } from "../../ports/dead-letters.ts";
import type { Log } from "../../runtime/log.ts";
import { factOfPush } from "../../runtime/push-message.ts";
import { type Calls, ONCE } from "./calls.ts";

/** Messages of one subscription that one look takes. */
export const DEAD_LETTERS_PER_LOOK_MAX = 100;

/** What fetching needs. */
export interface DeadLetterDrainOptions {
  readonly subscriber: v1.SubscriberClient;
  readonly calls: Calls;
  readonly project: string;
  /** Service → its dead-letter subscription. */
  readonly subscriptions: Readonly<Record<string, string>>;
  readonly deadLetters: DeadLetters;
  readonly clock: Clock;
  readonly log: Log;
}

interface Received {
  readonly data?: string | Uint8Array | null;
  readonly messageId?: string | null;
  readonly attributes?: Readonly<Record<string, string>> | null;
}

/** What Pub/Sub adds to a dead letter; the message itself did not have it. */
const isOriginal = ([name]: readonly [string, string]): boolean => !name.startsWith("CloudPubSubDeadLetter");

const bytesOf = (data: Received["data"]): Buffer =>
  typeof data === "string" ? Buffer.from(data, "base64") : Buffer.from(data ?? []);

/** The push as the service last got it, so that it is read, shown and replayed like any other. */
function pushOf({ data, messageId, attributes }: Received): string {
  const bytes = bytesOf(data);
  const original = Object.fromEntries(Object.entries(attributes ?? {}).filter(isOriginal));
  return JSON.stringify({ message: { data: bytes.toString("base64"), messageId, attributes: original } });
}

/** The same message is the same letter, however often Pub/Sub gives it up: by the fact that it holds, else by its bytes. */
function letterOf(service: string, received: Received, time: string): FailedMessage {
  const payload = pushOf(received);
  const attempts = received.attributes?.["CloudPubSubDeadLetterSourceDeliveryCount"] ?? "several";
  const message = `Pub/Sub gave it to ${service} ${attempts} times in vain. Look at the service's log, then replay it or give it up.`;
  const failed = { service, reason: "RETRIES_EXHAUSTED", message, payload, time };
  try {
    return { id: `${service}/${factOfPush(Buffer.from(payload)).id}`, ...failed };
  } catch {
    // No fact: kept all the same, and the list says so when somebody replays it.
    const digest = createHash("sha256").update(bytesOf(received.data)).digest("hex");
    return { id: `${service}/push-${digest.slice(0, 32)}`, ...failed };
  }
}

/** Takes what lies there, one look: kept first, acknowledged then, so that a crash in between only means keeping it twice. */
export function createDeadLetterDrain(options: DeadLetterDrainOptions): () => Promise<number> {
  const { subscriber, calls, project, subscriptions, deadLetters, clock, log } = options;
  const drain = async (service: string, name: string): Promise<number> => {
    const subscription = `projects/${project}/subscriptions/${name}`;
    const pulling = { method: "Pull", doing: `Pulling dead letters of ${service}`, resource: name };
    const [{ receivedMessages }] = await calls(pulling, () =>
      subscriber.pull(
        { subscription, maxMessages: DEAD_LETTERS_PER_LOOK_MAX, returnImmediately: true },
        { ...ONCE },
      ),
    );
    const ackIds: string[] = [];
    for (const { message, ackId } of receivedMessages ?? []) {
      const letter = letterOf(service, message ?? {}, clock.now().toISOString());
      await deadLetters.put(letter);
      log.warn({ letter: letter.id, handler: service }, "message given up by Pub/Sub, kept as a dead letter");
      if (typeof ackId === "string") ackIds.push(ackId);
    }
    if (ackIds.length > 0) {
      const acking = {
        method: "Acknowledge",
        doing: `Acknowledging dead letters of ${service}`,
        resource: name,
      };
      await calls(acking, () => subscriber.acknowledge({ subscription, ackIds }, { ...ONCE }));
    }
    return ackIds.length;
  };
  return async () => {
    const taken = await Promise.all(
      Object.entries(subscriptions).map(([service, name]) => drain(service, name)),
    );
    return taken.reduce((sum, each) => sum + each, 0);
  };
}
