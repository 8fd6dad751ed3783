// A fake of the Pub/Sub service, by its published semantics and not by its emulator's: filters, signed pushes, delivery attempts,
// dead-lettering with doubles, retention and expiry, slow start. Written from google/pubsub/v1/pubsub.proto and the pages on push
// subscriptions, push authentication, handling failures, filtering and quotas.
import type { Clock } from "../../../shared/ports/clock.ts";
import { parseFilter } from "./pubsub-filter-fake.ts";
import { createPushing, type Delivered } from "./pubsub-push-fake.ts";

/** A message as it is published. */
export interface Published {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey?: string;
}

/** A message that the service holds. */
export interface Message extends Published {
  readonly messageId: string;
  readonly publishTime: string;
}

/** Settings of a subscription; durations in milliseconds. */
export interface SubscriptionSettings {
  readonly name: string;
  readonly topic: string;
  readonly filter?: string;
  readonly ackDeadlineMs?: number;
  readonly retry?: { readonly minimumMs: number; readonly maximumMs: number };
  readonly deadLetter?: { readonly topic: string; readonly attempts: number };
  readonly retentionMs?: number;
  /** Undefined: never. */
  readonly expiryMs?: number;
  readonly push?: PushSettings;
}

/** Where a subscription pushes, and as whom. */
export interface PushSettings {
  readonly endpoint: string;
  readonly audience?: string;
  readonly serviceAccount?: string;
}

/** One subscription and what waits in it. */
export interface Subscription {
  readonly settings: SubscriptionSettings;
  push: PushSettings | undefined;
  readonly waiting: Map<string, Waiting>;
  readonly matches: (attributes: Published["attributes"]) => boolean;
  /** When somebody last used it. */
  usedAt: number;
  /** Pushes that may be under way at one time: doubles with a success, halves with a failure. */
  window: number;
}

/** A message of one subscription that is not acknowledged. */
export interface Waiting {
  readonly message: Message;
  attempts: number;
  notBefore: number;
  underWay: boolean;
}

/** What the service refuses, with the gRPC code. */
export class PubSubRefusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const DAY_MS = 24 * 3_600_000;
const MESSAGE_BYTES_MAX = 10_000_000;
/** Keys that client libraries write (opentelemetry) and the service itself (schemas), though they begin with `goog`. */
const OF_LIBRARIES = /^googclient_/;

function check({ data, attributes }: Published): void {
  const refuse = (why: string): never => {
    throw new PubSubRefusal(3, why);
  };
  const entries = Object.entries(attributes);
  if (data.length === 0 && entries.length === 0) refuse("A message must have data or an attribute.");
  if (entries.length > 100) refuse("A message has at most 100 attributes.");
  for (const [key, value] of entries) {
    if (key === "" || Buffer.byteLength(key) > 256 || (key.startsWith("goog") && !OF_LIBRARIES.test(key)))
      refuse(`The attribute key ${key} is not allowed.`);
    if (Buffer.byteLength(value) > 1_024) refuse(`The attribute ${key} is longer than 1024 bytes.`);
  }
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), data.length);
  if (bytes > MESSAGE_BYTES_MAX) refuse("The request is larger than 10 MB.");
}

/** What a test may tell the service to do wrong. */
export interface Faults {
  /** Dead letters arrive twice. */
  doubledDeadLetters: boolean;
  /** The next publications: refused with this code before (`applied: false`) or after they took effect. */
  readonly publishing: { code: number; applied: boolean; never?: boolean }[];
}

/** The service. `sign` makes the token of a push (audience, service account). */
export function createPubSubFake(options: {
  readonly clock: Clock;
  readonly sign?: (audience: string, serviceAccount: string) => Promise<string>;
}) {
  const { clock } = options;
  const now = (): number => clock.now().getTime();
  const topics = new Map<string, Message[]>();
  const subscriptions = new Map<string, Subscription>();
  const delivered: Delivered[] = [];
  const faults: Faults = { doubledDeadLetters: false, publishing: [] };
  let ids = 0;

  const enqueue = (subscription: Subscription, message: Message): void => {
    if (!subscription.matches(message.attributes)) return;
    subscription.waiting.set(message.messageId, { message, attempts: 0, notBefore: now(), underWay: false });
    pushing.wake(subscription);
  };
  const publishNow = (topic: string, published: Published): string => {
    const messages = topics.get(topic);
    if (messages === undefined)
      throw new PubSubRefusal(5, `Resource not found (resource=${topic.split("/").at(-1)}).`);
    check(published);
    const message = { ...published, messageId: String(++ids), publishTime: clock.now().toISOString() };
    messages.push(message);
    for (const each of subscriptions.values()) if (each.settings.topic === topic) enqueue(each, message);
    return message.messageId;
  };
  const pushing = createPushing({
    clock,
    delivered,
    ...(options.sign === undefined ? {} : { sign: options.sign }),
    giveUp: ({ settings }, { message, attempts }) => {
      const [, project = "", , name = ""] = settings.name.split("/");
      const attributes = {
        ...message.attributes,
        CloudPubSubDeadLetterSourceDeliveryCount: String(attempts),
        CloudPubSubDeadLetterSourceSubscription: name,
        CloudPubSubDeadLetterSourceSubscriptionProject: project,
        CloudPubSubDeadLetterSourceTopicPublishTime: message.publishTime,
      };
      const times = faults.doubledDeadLetters ? 2 : 1;
      for (let copy = 0; copy < times; copy++)
        publishNow(settings.deadLetter?.topic ?? "", { data: message.data, attributes });
    },
  });

  /** Drops what is older than its subscription keeps, and subscriptions that nobody used for too long. */
  const sweep = (): void => {
    for (const [name, each] of subscriptions) {
      const { retentionMs = 7 * DAY_MS, expiryMs } = each.settings;
      for (const [id, { message }] of each.waiting)
        if (now() - Date.parse(message.publishTime) > retentionMs) each.waiting.delete(id);
      if (expiryMs !== undefined && now() - each.usedAt > expiryMs) subscriptions.delete(name);
    }
  };
  const found = (name: string): Subscription => {
    sweep();
    const subscription = subscriptions.get(name);
    if (subscription === undefined)
      throw new PubSubRefusal(5, `Resource not found (resource=${name.split("/").at(-1)}).`);
    return subscription;
  };

  return {
    faults,
    delivered,
    createTopic: (name: string): void => void topics.set(name, topics.get(name) ?? []),
    createSubscription(settings: SubscriptionSettings): void {
      if (!topics.has(settings.topic))
        throw new PubSubRefusal(5, `Resource not found (resource=${settings.topic}).`);
      let matches: Subscription["matches"];
      try {
        matches = parseFilter(settings.filter ?? "");
      } catch (error) {
        throw new PubSubRefusal(3, (error as Error).message);
      }
      subscriptions.set(settings.name, {
        settings,
        push: settings.push,
        waiting: new Map(),
        matches,
        usedAt: now(),
        window: 1,
      });
    },
    async publish(topic: string, messages: readonly Published[]): Promise<readonly string[]> {
      sweep();
      const fault = faults.publishing.shift();
      if (fault?.applied === false) {
        if (fault.never === true) await new Promise(() => undefined);
        throw new PubSubRefusal(fault.code, "told to fail");
      }
      const published = messages.map((each) => publishNow(topic, each));
      if (fault?.never === true) await new Promise(() => undefined);
      if (fault !== undefined) throw new PubSubRefusal(fault.code, "told to lose the answer");
      return published;
    },
    subscription: found,
    /** Messages that are not under way, at most so many; each must be acknowledged. */
    pull(name: string, limit: number): readonly Waiting[] {
      const subscription = found(name);
      subscription.usedAt = now();
      const free = [...subscription.waiting.values()].filter(
        ({ underWay, notBefore }) => !underWay && notBefore <= now(),
      );
      for (const each of free.slice(0, limit)) {
        each.attempts += 1;
        each.notBefore = now() + (subscription.settings.ackDeadlineMs ?? 10_000);
      }
      return free.slice(0, limit);
    },
    acknowledge: (name: string, ids_: readonly string[]): void =>
      ids_.forEach((id) => found(name).waiting.delete(id)),
    /** Messages that no subscription of the topic has acknowledged. */
    outstanding: (topic: string): number =>
      [...subscriptions.values()]
        .filter(({ settings }) => settings.topic === topic)
        .reduce((sum, { waiting }) => sum + waiting.size, 0),
    close: (): void => pushing.close(),
  };
}

/** A running fake. */
export type PubSubFake = ReturnType<typeof createPubSubFake>;
