// Dead letters in SQLite.
import type { DeadLetter, DeadLetters } from "../../ports/dead-letters.ts";
import type { Database } from "./database.ts";
import { jsonText } from "./fact-rows.ts";

const DEAD_LETTERS_SCHEMA: readonly string[] = [
  `
  CREATE TABLE dead_letters (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    payload TEXT NOT NULL,
    time TEXT NOT NULL
  );
  `,
];

/** Dead letters that live in this database; `list` answers the newest first. */
export function createDeadLetters(db: Database): DeadLetters {
  db.migrate("dead-letters", DEAD_LETTERS_SCHEMA);
  return {
    async put({ id, service, reason, message, payload, time }) {
      const text = jsonText(payload === undefined ? null : payload, `The payload of dead letter ${id}`);
      await db.write((sql) =>
        sql.run(
          `INSERT INTO dead_letters (id, service, reason, message, payload, time) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (id) DO NOTHING`,
          id,
          service,
          reason,
          message,
          text,
          time,
        ),
      );
    },
    async list(limit) {
      const rows = db.rows(
        "SELECT id, service, reason, message, payload, time FROM dead_letters ORDER BY position DESC LIMIT ?",
        limit,
      ) as readonly (Omit<DeadLetter, "payload"> & { payload: string })[];
      const total =
        (db.row("SELECT count(*) AS total FROM dead_letters") as { total: number } | undefined)?.total ?? 0;
      return { letters: rows.map((row) => ({ ...row, payload: JSON.parse(row.payload) as unknown })), total };
    },
  };
}
