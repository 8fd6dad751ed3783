import type { Notification } from "../domain/notification.ts";

/** One try to tell the receiver. */
export interface NotificationAttempt {
  readonly time: string;
  readonly durationMs: number;
  /** HTTP status, if an answer came. */
  readonly status?: number;
  /** Why it did not count as delivered. */
  readonly error?: string;
}

/** `pending`: waits for its next attempt; `failed`: given up; `unsent`: nobody is to be told of it. */
export type NotificationState = "pending" | "delivered" | "failed" | "unsent";

/** A notification and what became of it: one entry of the delivery log. */
export interface NotificationEntry extends Notification {
  readonly state: NotificationState;
  /** Failed attempts since it was put or asked for again. */
  readonly failures: number;
  /** RFC 3339 of the next attempt, while it is pending. */
  readonly nextAttempt?: string;
  readonly createTime: string;
  readonly updateTime: string;
  /** The last ones, oldest first. */
  readonly attempts: readonly NotificationAttempt[];
}

/** What follows from an attempt, or from the decision to make none. */
export interface NotificationOutcome {
  readonly time: string;
  readonly attempt?: NotificationAttempt;
  readonly state: NotificationState;
  /** Only with `pending`. */
  readonly nextAttempt?: string;
}

/** Attempts that one entry keeps, the last ones. */
export const NOTIFICATION_ATTEMPTS_KEPT_MAX = 20;

/**
 * The delivery log. Law: `put` is durable when it resolves, and an id is kept once, as it was put first; an entry is offered until
 * it is settled, also after a restart; entries are never dropped.
 */
export interface Notifications {
  /** Puts a notification that waits to be sent, at once. An id that is there already changes nothing. */
  put(notification: Notification, time: string): Promise<void>;
  /** Pending entries whose attempt is due at `now`, those that wait longest first. */
  due(now: string, limit: number): Promise<readonly NotificationEntry[]>;
  /** Keeps an outcome. NOT_FOUND for an unknown id. */
  settle(id: string, outcome: NotificationOutcome): Promise<void>;
  /** Makes an entry pending again, due now, as if it had never failed. NOT_FOUND for an unknown id. */
  again(id: string, time: string): Promise<void>;
  get(id: string): Promise<NotificationEntry | undefined>;
  /** Newest first; `after` is the id of the last one of the page before. */
  list(query: { readonly limit: number; readonly after?: string }): Promise<readonly NotificationEntry[]>;
}
