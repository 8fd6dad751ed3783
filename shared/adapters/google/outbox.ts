// Outbox and timers of the Firestore ledger: what batches left to be published.
import { type DocumentReference, Timestamp } from "@google-cloud/firestore";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Outbox } from "../../ports/outbox.ts";
import { changeDocument } from "./firestore-change.ts";
import type { Store } from "./firestore.ts";
import { factOfText, LEDGER_COLLECTIONS, SETTLED_KEPT_MS } from "./ledger-documents.ts";

interface Row {
  readonly fact?: string;
  readonly state: "pending" | "published";
  readonly attempts: number;
  readonly since: string;
}

/** Firestore's TTL policy removes a document some time after its `expires`. */
const expires = (time: string): Timestamp => Timestamp.fromMillis(Date.parse(time) + SETTLED_KEPT_MS);

/** Writes fields of a document that may not be there: settling what is unknown, or settled and expired, is harmless. */
async function updateIfThere(
  store: Store,
  doing: string,
  document: DocumentReference,
  fields: Record<string, unknown>,
): Promise<void> {
  try {
    await store.commit(doing, (writes) => writes.update(document, fields));
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.code !== "NOT_FOUND") throw error;
  }
}

/** The outbox of the ledger that lives in this database. */
export function createOutbox(store: Store): Outbox {
  const rows = store.db.collection(LEDGER_COLLECTIONS.outbox);
  const timers = store.db.collection(LEDGER_COLLECTIONS.timers);
  return {
    async pending(now, limit) {
      const query = rows
        .where("state", "==", "pending")
        .where("nextAttempt", "<=", now)
        .orderBy("at")
        .orderBy("version")
        .limit(limit);
      const found = await store.query("Reading the outbox", query);
      return found.map((document) => {
        const { fact, attempts, since } = document.data() as Row;
        return { fact: factOfText(fact ?? ""), attempts, since };
      });
    },
    async settle(factId, result) {
      const doing = `Settling fact ${factId}`;
      if (result.published) {
        // Published is the last word of a row, whoever says it again.
        await updateIfThere(store, doing, rows.doc(factId), {
          state: "published",
          published: result.time,
          expires: expires(result.time),
        });
        return;
      }
      await changeDocument<Row>(store, doing, rows.doc(factId), (row) =>
        row === undefined || row.state === "published"
          ? undefined
          : { attempts: row.attempts + 1, nextAttempt: result.nextAttempt },
      );
    },
    async timersDue(now, limit) {
      const query = timers
        .where("state", "==", "waiting")
        .where("due", "<=", now)
        .orderBy("due")
        .limit(limit);
      const found = await store.query("Reading the timers", query);
      return found.map((document) => {
        const { stream, name, due } = document.data() as { stream: string; name: string; due: string };
        return { id: document.id, stream, name, due };
      });
    },
    async timerFired(id, time) {
      await updateIfThere(store, `Settling timer ${id}`, timers.doc(id), {
        state: "fired",
        fired: time,
        expires: expires(time),
      });
    },
  };
}
