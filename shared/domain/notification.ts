// What people are told outside of Signalbox: one notification for each thing that happened, from its fact or dead letter.
import { deadLetterName } from "./dead-letter.ts";
import type { AnyFact } from "./fact.ts";
import { factId } from "./fact.ts";
import type { FactType } from "./facts.ts";
import { createRedact } from "./redact.ts";

/** Kinds of notifications, as receivers see them in `type`. */
export const NOTIFICATION_TYPES = [
  "apply.failed",
  "apply.interrupted",
  "endpoint.rolled_back",
  "rollout.rolled_back",
  "endpoint.held",
  "message.dead_lettered",
  "notification.test",
] as const;

/** The kind of a notification. */
export type NotificationType = (typeof NOTIFICATION_TYPES)[number];

/** Facts that may be notified. */
export const NOTIFIED_FACTS = [
  "apply.failed",
  "stack.apply-interrupted",
  "traffic.moved",
  "rollout.rolled-back",
  "endpoint.held",
] as const satisfies readonly FactType[];

/** One thing that people are told. */
export interface Notification {
  /** The id of its fact, or derived from the dead letter's: the same thing is told once. */
  readonly id: string;
  readonly type: NotificationType;
  /** Resource name. */
  readonly subject: string;
  /** When it happened: RFC 3339. */
  readonly time: string;
  readonly actor: string;
  /** What happened, in one or two sentences without secrets. */
  readonly summary: string;
  /** What a person can do about it. */
  readonly nextStep: string;
}

/** Longest sentence of a notification, in characters: payloads stay far below the recommended 20 KB. */
export const NOTIFICATION_TEXT_CHARACTERS_MAX = 1_000;

const redact = createRedact([]);

function textOf(words: string): string {
  const text = redact(words);
  return text.length <= NOTIFICATION_TEXT_CHARACTERS_MAX
    ? text
    : `${text.slice(0, NOTIFICATION_TEXT_CHARACTERS_MAX - 1)}…`;
}

const lastId = (name: string): string => name.split("/").at(-1) ?? name;

/** `ranker/versions/2: 95 %, …` for people. */
const sharesOf = (weights: Readonly<Record<string, number>>): string =>
  Object.entries(weights)
    .filter(([, percent]) => percent > 0)
    .map(([version, percent]) => `version ${lastId(version)} with ${percent} %`)
    .join(", ") || "nothing";

function tell(
  fact: AnyFact,
  type: NotificationType,
  words: { readonly summary: string; readonly nextStep: string },
): Notification {
  const { id, subject, time, actor } = fact;
  return { id, type, subject, time, actor, summary: textOf(words.summary), nextStep: textOf(words.nextStep) };
}

/**
 * The notification that a fact deserves, or undefined. A rollback is told by its move of traffic: the end of the rollout and the
 * hold that come with the same move (they name its epoch) are not told again.
 */
export function notificationOf(fact: AnyFact): Notification | undefined {
  const resume = `signalbox resume ${fact.subject} --reason '…' when it may go on.`;
  switch (fact.type) {
    case "apply.failed":
      return tell(fact, "apply.failed", {
        summary: `An apply of ${fact.subject} failed: ${fact.data.message}`,
        nextStep: fact.data.nextStep,
      });
    case "stack.apply-interrupted":
      return tell(fact, "apply.interrupted", {
        summary: `An apply of ${fact.subject} was interrupted and the stack is blocked: ${fact.data.message}`,
        nextStep: fact.data.nextStep,
      });
    case "traffic.moved": {
      const { kind, reason, from, to, epoch } = fact.data;
      if (kind !== "rollback") return undefined;
      return tell(fact, "endpoint.rolled_back", {
        summary: `${fact.subject} was rolled back from ${sharesOf(from)} to ${sharesOf(to)} (epoch ${epoch}) and is held: ${reason}`,
        nextStep: resume,
      });
    }
    case "rollout.rolled-back":
      if (fact.data.epoch !== undefined) return undefined;
      return tell(fact, "rollout.rolled_back", {
        summary: `The rollout of version ${lastId(fact.data.modelVersion)} ended before it had traffic: ${fact.data.reason}`,
        nextStep: `signalbox rollouts shows it; a mended version is rolled out when it is registered.`,
      });
    case "endpoint.held":
      if (fact.data.epoch !== undefined) return undefined;
      return tell(fact, "endpoint.held", {
        summary: `${fact.subject} is held, so no rollout starts or advances: ${fact.data.reason}`,
        nextStep: resume,
      });
    default:
      return undefined;
  }
}

/** The notification of a message that no retry could help. */
export function notificationOfDeadLetter(letter: {
  readonly id: string;
  readonly service: string;
  readonly reason: string;
  readonly message: string;
  readonly time: string;
}): Notification {
  const { id, service, reason, message, time } = letter;
  return {
    id: factId("notifications", `dead-letter/${id}`, 0),
    type: "message.dead_lettered",
    subject: deadLetterName(id),
    time,
    actor: `services/${service}`,
    summary: textOf(`A message could not be handled by ${service} (${reason}): ${message}`),
    nextStep: `Mend the cause, then: signalbox dead-letters replay ${lastId(deadLetterName(id))} --reason '…'`,
  };
}

/** A notification that says only that the channel works. */
export function testNotification(id: string, time: string, actor: string): Notification {
  return {
    id,
    type: "notification.test",
    subject: "notifications",
    time,
    actor,
    summary: "This is a test of the notifications of Signalbox. Nothing happened.",
    nextStep: "Nothing is to be done.",
  };
}

/** The body after Standard Webhooks: `type`, `timestamp`, `data`. */
export function standardBody({ type, time, id, subject, actor, summary, nextStep }: Notification): string {
  return JSON.stringify({ type, timestamp: time, data: { id, subject, actor, summary, nextStep } });
}

/** Slack's three control characters, escaped (docs.slack.dev/messaging/formatting-message-text). */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The body that Slack's incoming webhooks and those that imitate them take. */
export function slackBody({ type, time, subject, actor, summary, nextStep }: Notification): string {
  const line = `*${escaped(type)}* · ${escaped(subject)}`;
  return JSON.stringify({
    text: `${line}\n${escaped(summary)}\n_Next:_ ${escaped(nextStep)}\n${escaped(time)} by ${escaped(actor)}`,
  });
}
