// Dead letters in SQLite.
import type { DeadLetter, DeadLetters, FailedMessage } from "../../ports/dead-letters.ts";
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
  `
  ALTER TABLE dead_letters ADD COLUMN create_time TEXT NOT NULL DEFAULT '';
  ALTER TABLE dead_letters ADD COLUMN failures INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE dead_letters ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting';
  ALTER TABLE dead_letters ADD COLUMN since TEXT NOT NULL DEFAULT '';
  UPDATE dead_letters SET create_time = time, since = time;
  CREATE INDEX dead_letters_replaying ON dead_letters (position) WHERE state = 'replaying';
  `,
];

const COLUMNS = "id, service, reason, message, payload, time, create_time, failures, state, since";

/** Written out: with a bound value SQLite plans the statement anew at each call, to see whether the index of replays serves it. */
const IN_STATE: Readonly<Record<DeadLetter["state"], string>> = {
  waiting: "state = 'waiting'",
  replaying: "state = 'replaying'",
};

type LetterRow = Omit<DeadLetter, "payload" | "createTime"> & {
  readonly payload: string;
  readonly create_time: string;
};

const letterOf = ({ create_time: createTime, payload, ...row }: LetterRow): DeadLetter => ({
  ...row,
  createTime,
  payload: JSON.parse(payload) as unknown,
});

/** A replay's failure, or a new letter. */
async function put(
  db: Database,
  { id, service, reason, message, payload, time }: FailedMessage,
): Promise<void> {
  const text = jsonText(payload === undefined ? null : payload, `The payload of dead letter ${id}`);
  await db.write((sql) => {
    const replayed = sql.run(
      `UPDATE dead_letters SET failures = failures + 1, state = 'waiting', reason = ?, message = ?, time = ?, since = ?
           WHERE id = ? AND state = 'replaying'`,
      reason,
      message,
      time,
      time,
      id,
    );
    if (replayed > 0) return;
    sql.run(
      `INSERT INTO dead_letters (id, service, reason, message, payload, time, create_time, since)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
      id,
      service,
      reason,
      message,
      text,
      time,
      time,
      time,
    );
  });
}

/** Dead letters that live in this database. */
export function createDeadLetters(db: Database): DeadLetters {
  db.migrate("dead-letters", DEAD_LETTERS_SCHEMA);
  return {
    put: (letter) => put(db, letter),
    async get(id) {
      const row = db.row(`SELECT ${COLUMNS} FROM dead_letters WHERE id = ?`, id) as LetterRow | undefined;
      return row === undefined ? undefined : letterOf(row);
    },
    async list(limit, { after, state } = {}) {
      const where: string[] = [];
      const values: string[] = [];
      const when = (text: string, value: string | undefined): void => {
        if (value === undefined) return;
        where.push(text);
        values.push(value);
      };
      if (state !== undefined) where.push(IN_STATE[state]);
      when("position < (SELECT position FROM dead_letters WHERE id = ?)", after);
      const rows = db.rows(
        `SELECT ${COLUMNS} FROM dead_letters ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""}
         ORDER BY position DESC LIMIT ? + 0`,
        ...values,
        limit,
      ) as readonly LetterRow[];
      const total =
        (db.row("SELECT count(*) AS total FROM dead_letters") as { total: number } | undefined)?.total ?? 0;
      return { letters: rows.map(letterOf), total };
    },
    change: (id, failures, to, time) =>
      db.write((sql) => {
        const found = sql.row("SELECT 1 FROM dead_letters WHERE id = ? AND failures = ?", id, failures);
        if (found === undefined) return false;
        if (to === "gone") sql.run("DELETE FROM dead_letters WHERE id = ?", id);
        else
          sql.run(
            "UPDATE dead_letters SET state = ?, since = ? WHERE id = ? AND state <> ?",
            to,
            time,
            id,
            to,
          );
        return true;
      }),
  };
}
