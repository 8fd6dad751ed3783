// Receipts of deliveries in SQLite. Bodies have a table of their own: the rows that are searched stay small.
import type { Receipt, ReceiptOutcome, Receipts } from "../../ports/receipts.ts";
import { notFound } from "../../domain/errors.ts";
import type { Database } from "./database.ts";

const RECEIPTS_SCHEMA: readonly string[] = [
  `
  CREATE TABLE receipts (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    guid TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    body_hash TEXT NOT NULL UNIQUE,
    received TEXT NOT NULL,
    outcome TEXT,
    reason TEXT,
    settled TEXT
  );
  CREATE INDEX receipts_pending ON receipts (position) WHERE outcome IS NULL;
  CREATE TABLE receipt_bodies (position INTEGER PRIMARY KEY REFERENCES receipts (position), body BLOB NOT NULL);
  `,
];

interface ReceiptRow {
  readonly guid: string;
  readonly event: string;
  readonly body_hash: string;
  readonly received: string;
  readonly outcome: ReceiptOutcome["outcome"] | null;
  readonly reason: string | null;
  readonly settled: string | null;
}

const facts = (row: ReceiptRow): Omit<Receipt, "body"> => ({
  guid: row.guid,
  event: row.event,
  bodyHash: row.body_hash,
  receivedAt: row.received,
});

/** Receipts that live in this database. */
export function createReceipts(db: Database): Receipts {
  db.migrate("receipts", RECEIPTS_SCHEMA);
  return {
    async put(receipt) {
      return db.write((sql) => {
        const stored = sql.run(
          "INSERT INTO receipts (guid, event, body_hash, received) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
          receipt.guid,
          receipt.event,
          receipt.bodyHash,
          receipt.receivedAt,
        );
        if (stored === 0) {
          const known = sql.row(
            "SELECT * FROM receipts WHERE guid = ? OR body_hash = ? ORDER BY guid = ? DESC LIMIT 1",
            receipt.guid,
            receipt.bodyHash,
            receipt.guid,
          ) as ReceiptRow;
          return { kind: "duplicate", guid: known.guid, settled: known.outcome !== null };
        }
        sql.run("INSERT INTO receipt_bodies VALUES (last_insert_rowid(), ?)", receipt.body);
        return { kind: "stored" };
      });
    },
    async pending(limit) {
      const rows = db.rows(
        `SELECT r.*, b.body FROM receipts r JOIN receipt_bodies b ON b.position = r.position
         WHERE r.outcome IS NULL ORDER BY r.position LIMIT ? + 0`,
        limit,
      ) as readonly (ReceiptRow & { body: Uint8Array })[];
      return rows.map((row) => ({ ...facts(row), body: row.body }));
    },
    async settle(guid, outcome) {
      await db.write((sql) => {
        const changed = sql.run(
          "UPDATE receipts SET outcome = ?, reason = ?, settled = ? WHERE guid = ? AND outcome IS NULL",
          outcome.outcome,
          outcome.reason,
          outcome.time,
          guid,
        );
        // None changed: it was settled before, or it is not there.
        if (changed === 0 && sql.row("SELECT 1 FROM receipts WHERE guid = ?", guid) === undefined)
          throw notFound(`deliveries/${guid}`, "Put its receipt before settling it.");
      });
    },
    async list(limit) {
      const rows = db.rows(
        "SELECT * FROM receipts ORDER BY position DESC LIMIT ? + 0",
        limit,
      ) as readonly ReceiptRow[];
      return rows.map((row) => {
        const { outcome, reason, settled } = row;
        if (outcome === null) return facts(row);
        return { ...facts(row), outcome: { outcome, reason: reason ?? "", time: settled ?? "" } };
      });
    },
  };
}
