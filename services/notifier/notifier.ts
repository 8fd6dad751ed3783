// The notifier: keeps a notification for what deserves a person's attention, and delivers it until it has arrived or is given up.
import {
  type Notification,
  NOTIFIED_FACTS,
  notificationOf,
  notificationOfDeadLetter,
} from "../../shared/domain/notification.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { NotificationEntry, Notifications } from "../../shared/ports/notifications.ts";
import type { FactService } from "../../shared/runtime/fact-service.ts";
import { createLanes } from "../../shared/runtime/lanes.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { deliverNotification, type NotifyPorts } from "../../shared/runtime/notify.ts";

/** What this service asks to be told. */
export const NOTIFIER_INPUTS = NOTIFIED_FACTS;
/** Notifications that are on their way at the same time. */
export const NOTIFICATIONS_AT_ONCE_MAX = 4;
/** Due notifications that one look takes. */
const NOTIFICATIONS_PER_LOOK_MAX = 100;
/** New dead letters that one look takes, the newest. */
export const DEAD_LETTERS_PER_LOOK_MAX = 1_000;

/** What the notifier touches. */
export interface NotifierPorts extends NotifyPorts {
  readonly notifications: Notifications;
  readonly deadLetters: Pick<DeadLetters, "list">;
  readonly log: Log;
}

/** The notifier; `close` before its ports are. */
export interface Notifier extends FactService {
  reconcile(): Promise<void>;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
  /** Ends what is on its way; the next start sends it again under the same id. */
  close(): Promise<void>;
}

/** Finds the dead letters that came since the last look; after a start, all that the list holds. Putting one twice is harmless. */
function createDeadLetterWatch({ deadLetters }: Pick<NotifierPorts, "deadLetters">) {
  let seen: string | undefined;
  return async (): Promise<readonly Notification[]> => {
    const { letters, total } = await deadLetters.list(1);
    const mark = `${total} ${letters[0]?.id ?? ""}`;
    if (mark === seen) return [];
    const { letters: all } = await deadLetters.list(DEAD_LETTERS_PER_LOOK_MAX);
    seen = mark;
    return all.toReversed().map(notificationOfDeadLetter);
  };
}

/** A notifier. Each fact and each dead letter is one entry of the delivery log, however often it is seen. */
export function createNotifier(ports: NotifierPorts): Notifier {
  const { notifications, clock, log } = ports;
  const lanes = createLanes(NOTIFICATIONS_AT_ONCE_MAX);
  const stopped = new AbortController();
  const newDeadLetters = createDeadLetterWatch(ports);
  const keep = (notification: Notification): Promise<void> =>
    notifications.put(notification, clock.now().toISOString());

  const deliver = async (entry: NotificationEntry): Promise<void> => {
    const fields = { notification: entry.id, type: entry.type, subject: entry.subject };
    try {
      const outcome = await deliverNotification(ports, entry, stopped.signal);
      await notifications.settle(entry.id, outcome);
      const { state, attempt, nextAttempt } = outcome;
      if (state === "failed")
        log.error({ ...fields, why: attempt?.error }, "notification given up; it can be sent again by hand");
      if (state === "pending")
        log.warn(
          { ...fields, why: attempt?.error, nextAttempt },
          "notification not delivered, to be tried again",
        );
    } catch (error) {
      // Stopped on the way, or the store failed: the entry is still pending.
      if (!stopped.signal.aborted)
        log.error({ ...fields, error }, "notification not settled, a later look sends it again");
    }
  };

  return {
    name: "notifier",
    inputs: NOTIFIER_INPUTS,
    async handle(fact: AnyFact) {
      const notification = notificationOf(fact);
      if (notification !== undefined) await keep(notification);
    },
    async reconcile() {
      for (const notification of await newDeadLetters()) await keep(notification);
      const due = await notifications.due(clock.now().toISOString(), NOTIFICATIONS_PER_LOOK_MAX);
      if (stopped.signal.aborted) return;
      for (const entry of due) lanes.start(entry.id, () => deliver(entry));
    },
    idle: () => lanes.idle(),
    async close() {
      stopped.abort();
      await lanes.idle();
    },
  };
}
