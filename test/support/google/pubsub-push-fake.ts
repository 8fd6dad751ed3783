// How Pub/Sub pushes: a signed request for each message, acknowledged by five codes, given again after a pause, given up in the end.
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Subscription, Waiting } from "./pubsub-fake.ts";

/** One push and what was answered; undefined when the deadline passed or the connection failed. */
export interface Delivered {
  readonly subscription: string;
  readonly messageId: string;
  readonly attempt: number;
  readonly status: number | undefined;
  /** Pushes of the subscription that were under way together, with this one. */
  readonly together: number;
}

/** Codes that acknowledge, as the page on push subscriptions lists them. */
const ACKNOWLEDGED: ReadonlySet<number> = new Set([102, 200, 201, 202, 204]);
const WINDOW_MAX = 1_000;

interface PushingOptions {
  readonly clock: Clock;
  readonly delivered: Delivered[];
  readonly sign?: (audience: string, serviceAccount: string) => Promise<string>;
  readonly giveUp: (subscription: Subscription, waiting: Waiting) => void;
}

/** The body as the wrapped form is documented: both spellings of id and time, the attempt only with a dead-letter topic. */
function bodyOf({ settings }: Subscription, { message, attempts }: Waiting): string {
  const { data, attributes, messageId, publishTime, orderingKey } = message;
  return JSON.stringify({
    ...(settings.deadLetter === undefined ? {} : { deliveryAttempt: attempts }),
    message: {
      attributes,
      data: data.toString("base64"),
      messageId,
      message_id: messageId,
      publishTime,
      publish_time: publishTime,
      ...(orderingKey === undefined ? {} : { orderingKey }),
    },
    subscription: settings.name,
  });
}

/** Pushes what waits, as long as it is not closed. */
export function createPushing({ clock, delivered, sign, giveUp }: PushingOptions) {
  let isClosed = false;
  const now = (): number => clock.now().getTime();

  const push = async (subscription: Subscription, waiting: Waiting): Promise<number | undefined> => {
    const { endpoint, audience, serviceAccount } = subscription.push ?? { endpoint: "" };
    const token = audience === undefined ? undefined : await sign?.(audience, serviceAccount ?? "");
    const deadline = new AbortController();
    const done = new AbortController();
    void clock
      .sleep(subscription.settings.ackDeadlineMs ?? 10_000, done.signal)
      .then(() => done.signal.aborted || deadline.abort());
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "CloudPubSub-Google",
          from: "noreply@google.com",
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body: bodyOf(subscription, waiting),
        signal: deadline.signal,
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return undefined;
    } finally {
      done.abort();
    }
  };

  const settle = (subscription: Subscription, waiting: Waiting, status: number | undefined): void => {
    const { deadLetter, retry } = subscription.settings;
    waiting.underWay = false;
    if (status !== undefined && ACKNOWLEDGED.has(status)) {
      subscription.waiting.delete(waiting.message.messageId);
      subscription.window = Math.min(subscription.window * 2, WINDOW_MAX);
      subscription.usedAt = now();
      return;
    }
    subscription.window = Math.max(1, Math.floor(subscription.window / 2));
    if (deadLetter !== undefined && waiting.attempts >= deadLetter.attempts) {
      subscription.waiting.delete(waiting.message.messageId);
      giveUp(subscription, waiting);
      return;
    }
    const pause =
      retry === undefined ? 0 : Math.min(retry.minimumMs * 2 ** (waiting.attempts - 1), retry.maximumMs);
    waiting.notBefore = now() + pause;
  };

  const give = async (subscription: Subscription, waiting: Waiting, together: number): Promise<void> => {
    waiting.underWay = true;
    waiting.attempts += 1;
    const attempt = waiting.attempts;
    const status = await push(subscription, waiting);
    delivered.push({
      subscription: subscription.settings.name.split("/").at(-1) ?? "",
      messageId: waiting.message.messageId,
      attempt,
      status,
      together,
    });
    settle(subscription, waiting, status);
    wake(subscription);
  };

  /** Starts the pushes that are due, within the window; wakes itself for those that are due later. */
  function wake(subscription: Subscription): void {
    if (isClosed || subscription.push === undefined || subscription.push.endpoint === "") return;
    const all = [...subscription.waiting.values()];
    let underWay = all.filter((each) => each.underWay).length;
    for (const each of all) {
      if (each.underWay || each.notBefore > now()) continue;
      if (underWay >= subscription.window) break;
      underWay += 1;
      void give(subscription, each, underWay);
    }
    const later = all
      .filter((each) => !each.underWay && each.notBefore > now())
      .map(({ notBefore }) => notBefore);
    if (later.length > 0) void clock.sleep(Math.min(...later) - now()).then(() => wake(subscription));
  }

  return { wake, close: (): void => void (isClosed = true) };
}
