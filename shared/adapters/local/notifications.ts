// The delivery log of notifications in SQLite. Only what deserves a person's attention comes here, so entries are kept for ever.
import { notFound } from "../../domain/errors.ts";
import type { Notification } from "../../domain/notification.ts";
import {
  NOTIFICATION_ATTEMPTS_KEPT_MAX,
  type NotificationAttempt,
  type NotificationEntry,
  type Notifications,
  type NotificationState,
} from "../../ports/notifications.ts";
import type { Database, Statements } from "./database.ts";

const NOTIFICATIONS_SCHEMA: readonly string[] = [
  `
  CREATE TABLE notifications (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    notification TEXT NOT NULL,
    state TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    next_attempt TEXT,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    attempts TEXT NOT NULL DEFAULT '[]'
  );
  CREATE INDEX notifications_pending ON notifications (next_attempt, position) WHERE state = 'pending';
  `,
];

interface EntryRow {
  readonly notification: string;
  readonly state: NotificationState;
  readonly failures: number;
  readonly next_attempt: string | null;
  readonly created: string;
  readonly updated: string;
  readonly attempts: string;
}

const COLUMNS = "notification, state, failures, next_attempt, created, updated, attempts";

function entryOf(row: EntryRow): NotificationEntry {
  return {
    ...(JSON.parse(row.notification) as Notification),
    state: row.state,
    failures: row.failures,
    ...(row.next_attempt === null ? {} : { nextAttempt: row.next_attempt }),
    createTime: row.created,
    updateTime: row.updated,
    attempts: JSON.parse(row.attempts) as readonly NotificationAttempt[],
  };
}

function requireEntry(sql: Pick<Statements, "row">, id: string): EntryRow {
  const row = sql.row(`SELECT ${COLUMNS} FROM notifications WHERE id = ?`, id);
  if (row === undefined)
    throw notFound(`notifications/${id}`, "List the notifications to see which there are.");
  return row as EntryRow;
}

/** A delivery log that lives in this database. */
export function createNotifications(db: Database): Notifications {
  db.migrate("notifications", NOTIFICATIONS_SCHEMA);
  return {
    async put(notification, time) {
      await db.write((sql) =>
        sql.run(
          `INSERT INTO notifications (id, notification, state, next_attempt, created, updated)
           VALUES (?, ?, 'pending', ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
          notification.id,
          JSON.stringify(notification),
          time,
          time,
          time,
        ),
      );
    },
    async due(now, limit) {
      const rows = db.rows(
        `SELECT ${COLUMNS} FROM notifications WHERE state = 'pending' AND next_attempt <= ?
         ORDER BY next_attempt, position LIMIT ? + 0`,
        now,
        limit,
      );
      return (rows as readonly EntryRow[]).map(entryOf);
    },
    async settle(id, { time, attempt, state, nextAttempt }) {
      await db.write((sql) => {
        const { attempts, failures } = entryOf(requireEntry(sql, id));
        const kept =
          attempt === undefined ? attempts : [...attempts, attempt].slice(-NOTIFICATION_ATTEMPTS_KEPT_MAX);
        sql.run(
          "UPDATE notifications SET state = ?, failures = ?, next_attempt = ?, updated = ?, attempts = ? WHERE id = ?",
          state,
          attempt !== undefined && state !== "delivered" ? failures + 1 : failures,
          state === "pending" ? (nextAttempt ?? time) : null,
          time,
          JSON.stringify(kept),
          id,
        );
      });
    },
    async again(id, time) {
      await db.write((sql) => {
        requireEntry(sql, id);
        sql.run(
          "UPDATE notifications SET state = 'pending', failures = 0, next_attempt = ?, updated = ? WHERE id = ?",
          time,
          time,
          id,
        );
      });
    },
    async get(id) {
      const row = db.row(`SELECT ${COLUMNS} FROM notifications WHERE id = ?`, id);
      return row === undefined ? undefined : entryOf(row as EntryRow);
    },
    async list({ limit, after }) {
      const rows = db.rows(
        `SELECT ${COLUMNS} FROM notifications
         WHERE ?1 IS NULL OR position < (SELECT position FROM notifications WHERE id = ?1)
         ORDER BY position DESC LIMIT ?2 + 0`,
        after ?? null,
        limit,
      );
      return (rows as readonly EntryRow[]).map(entryOf);
    },
  };
}
