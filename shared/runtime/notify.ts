// One attempt to deliver one notification, and what follows from it.
import { ControlPlaneError } from "../domain/errors.ts";
import { nextNotificationAttempt, retryAfterSeconds } from "../domain/notification-retry.ts";
import { type Notification, slackBody, standardBody } from "../domain/notification.ts";
import { webhookHeaders, webhookKey } from "../domain/webhook-signature.ts";
import type { Clock } from "../ports/clock.ts";
import type { NotificationAttempt, NotificationEntry, NotificationOutcome } from "../ports/notifications.ts";
import type { Outgoing } from "../ports/outgoing.ts";
import type { Secrets } from "../ports/secrets.ts";
import type { NotificationChannel, ReadNotificationChannel } from "./notification-channel.ts";

/** How long a receiver may take to answer: Standard Webhooks recommends 15 to 30 s. */
export const NOTIFICATION_TIMEOUT_MS = 15_000;
/** The secret that notifications are signed with. */
export const NOTIFICATION_SECRET = "notifications";
/** The receiver wants no more: RFC 9110 15.5.11. */
const GONE = 410;

/** A test is sent whatever kinds are wanted, and once only: somebody waits for its outcome. */
const TEST = "notification.test";

/** What sending needs. */
export interface NotifyPorts {
  readonly outgoing: Outgoing;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly readNotificationChannel: ReadNotificationChannel;
}

/** The keys to sign with: the current one, and the previous one while it rotates. */
async function keysOf(secrets: Secrets): Promise<readonly Buffer[]> {
  const { current, previous } = await secrets.get(NOTIFICATION_SECRET);
  return [current, ...(previous === undefined ? [] : [previous])].map((secret, index) => {
    const key = webhookKey(secret);
    if (key !== undefined) return key;
    const name = `${NOTIFICATION_SECRET}${index === 0 ? "" : ".previous"}`;
    throw new ControlPlaneError(
      "FAILED_PRECONDITION",
      `The secret ${name} is none of Standard Webhooks: write whsec_ and 24 to 64 random bytes in base64.`,
      { reason: "SECRET_INVALID", metadata: { name } },
    );
  });
}

interface Answered {
  readonly attempt: NotificationAttempt;
  readonly askedSeconds: number;
}

async function post(
  { outgoing, secrets, clock }: NotifyPorts,
  notification: Notification,
  channel: NotificationChannel,
  signal: AbortSignal | undefined,
) {
  const body = channel.format === "slack" ? slackBody(notification) : standardBody(notification);
  const keys = await keysOf(secrets);
  return outgoing.post({
    url: channel.url,
    headers: {
      "content-type": "application/json",
      "user-agent": "Signalbox",
      ...webhookHeaders(`msg_${notification.id}`, clock.now(), body, keys),
    },
    body,
    timeoutMs: NOTIFICATION_TIMEOUT_MS,
    allowPrivateNetwork: channel.allowPrivateNetwork ?? false,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Tries once. Whatever goes wrong is the attempt's error; a deliberate stop of ours rejects. */
async function attempt(
  ports: NotifyPorts,
  notification: Notification,
  find: () => Promise<NotificationChannel>,
  signal?: AbortSignal,
): Promise<Answered> {
  const began = ports.clock.now();
  const ended = (rest: { readonly status?: number; readonly error?: string }): NotificationAttempt => ({
    time: began.toISOString(),
    durationMs: ports.clock.now().getTime() - began.getTime(),
    ...rest,
  });
  try {
    const { status, retryAfter } = await post(ports, notification, await find(), signal);
    const askedSeconds = retryAfterSeconds(retryAfter, ports.clock.now());
    if (status >= 200 && status < 300) return { attempt: ended({ status }), askedSeconds };
    const why = status >= 300 && status < 400 ? "; redirects are not followed: correct the URL" : "";
    return { attempt: ended({ status, error: `The receiver answered ${status}${why}.` }), askedSeconds };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const message = error instanceof Error ? error.message : String(error);
    return { attempt: ended({ error: message }), askedSeconds: 0 };
  }
}

/** Tries to deliver a pending entry and says what becomes of it. Rejects only when `signal` ended the attempt. */
export async function deliverNotification(
  ports: NotifyPorts,
  entry: NotificationEntry,
  signal?: AbortSignal,
): Promise<NotificationOutcome> {
  const now = (): string => ports.clock.now().toISOString();
  // A file that cannot be read is a failed attempt: it may be mended before the next one.
  const channel = await ports.readNotificationChannel().catch((error: unknown) => ({ error }) as const);
  if (channel === undefined) return { time: now(), state: "unsent" };
  const wanted = "error" in channel || entry.type === TEST || channel.types?.includes(entry.type) !== false;
  if (!wanted) return { time: now(), state: "unsent" };
  const find = async (): Promise<NotificationChannel> => {
    if ("error" in channel) throw channel.error;
    return channel;
  };
  const { attempt: made, askedSeconds } = await attempt(ports, entry, find, signal);
  if (made.error === undefined) return { time: now(), attempt: made, state: "delivered" };
  const attempts = entry.failures + 1;
  const next =
    made.status === GONE || entry.type === TEST
      ? undefined
      : nextNotificationAttempt({ id: entry.id, attempts, askedSeconds }, ports.clock.now());
  if (next === undefined) return { time: now(), attempt: made, state: "failed" };
  return { time: now(), attempt: made, state: "pending", nextAttempt: next.toISOString() };
}
