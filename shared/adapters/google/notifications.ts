// The delivery log of notifications in Firestore. Only what deserves a person's attention comes here, so entries are kept for ever.
import { FieldValue, type Query } from "@google-cloud/firestore";
import { notFound } from "../../domain/errors.ts";
import type { Notification } from "../../domain/notification.ts";
import {
  NOTIFICATION_ATTEMPTS_KEPT_MAX,
  type NotificationEntry,
  type NotificationOutcome,
  type Notifications,
} from "../../ports/notifications.ts";
import { changeDocument } from "./firestore-change.ts";
import { documentText, hashedId } from "./firestore-documents.ts";
import type { Store } from "./firestore.ts";

interface Row {
  readonly entry: string;
}

const entryOf = (row: Row): NotificationEntry => JSON.parse(row.entry) as NotificationEntry;

const fieldsOf = (entry: NotificationEntry): Record<string, unknown> => ({
  entry: documentText(entry, `The notification ${entry.id}`),
  state: entry.state,
  nextAttempt: entry.nextAttempt ?? null,
});

const newEntry = (notification: Notification, time: string): NotificationEntry => ({
  ...notification,
  state: "pending",
  failures: 0,
  nextAttempt: time,
  createTime: time,
  updateTime: time,
  attempts: [],
});

function settled(entry: NotificationEntry, outcome: NotificationOutcome): NotificationEntry {
  const { time, attempt, state, nextAttempt } = outcome;
  const { nextAttempt: _before, ...rest } = entry;
  return {
    ...rest,
    state,
    failures: attempt !== undefined && state !== "delivered" ? entry.failures + 1 : entry.failures,
    ...(state === "pending" ? { nextAttempt: nextAttempt ?? time } : {}),
    updateTime: time,
    attempts:
      attempt === undefined
        ? entry.attempts
        : [...entry.attempts, attempt].slice(-NOTIFICATION_ATTEMPTS_KEPT_MAX),
  };
}

/** A delivery log that lives in this database. */
export function createNotifications(store: Store): Notifications {
  const entries = store.db.collection("notifications");
  const place = (id: string) => entries.doc(hashedId(id));
  const change = async (id: string, to: (entry: NotificationEntry) => NotificationEntry): Promise<void> => {
    await changeDocument<Row>(store, `Changing notification ${id}`, place(id), (row) => {
      if (row === undefined)
        throw notFound(`notifications/${id}`, "List the notifications to see which there are.");
      return fieldsOf(to(entryOf(row)));
    });
  };
  return {
    async put(notification, time) {
      const { id } = notification;
      await changeDocument<Row>(store, `Keeping notification ${id}`, place(id), (row) =>
        row === undefined
          ? { ...fieldsOf(newEntry(notification, time)), at: FieldValue.serverTimestamp() }
          : undefined,
      );
    },
    async due(now, limit) {
      const query = entries
        .where("state", "==", "pending")
        .where("nextAttempt", "<=", now)
        .orderBy("nextAttempt")
        .orderBy("at")
        .limit(limit);
      const found = await store.query("Reading due notifications", query);
      return found.map((each) => entryOf(each.data() as Row));
    },
    settle: (id, outcome) => change(id, (entry) => settled(entry, outcome)),
    again: (id, time) =>
      change(id, (entry) => ({
        ...entry,
        state: "pending",
        failures: 0,
        nextAttempt: time,
        updateTime: time,
      })),
    async get(id) {
      const row = (await store.get(`Reading notification ${id}`, place(id))).data() as Row | undefined;
      return row === undefined ? undefined : entryOf(row);
    },
    async list({ limit, after }) {
      let query: Query = entries.orderBy("at", "desc");
      if (after !== undefined) {
        const last = await store.get(`Reading notification ${after}`, place(after));
        if (!last.exists) return [];
        query = query.startAfter(last);
      }
      const found = await store.query("Listing the notifications", query.limit(limit));
      return found.map((each) => entryOf(each.data() as Row));
    },
  };
}
