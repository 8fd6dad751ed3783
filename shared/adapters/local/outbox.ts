// Outbox and timers in the ledger's database: what batches left to be published.
import type { Outbox, OutboxRow, TimerRow } from "../../ports/outbox.ts";
import type { Database } from "./database.ts";
import { FACT_COLUMNS, type FactRow, factOfRow } from "./fact-rows.ts";
import { LEDGER_SCHEMA } from "./ledger-schema.ts";

/** How long settled rows stay to be looked at: longer than any replay of ours or of the code host. */
export const SETTLED_KEPT_MS = 45 * 24 * 3_600_000;
/** Expired rows removed beside one settlement, so that no settlement is slow. */
const EXPIRED_PER_SETTLEMENT_MAX = 10;

/** SQL that removes the oldest expired rows of one table. */
const expire = (table: string, key: string, settled: string): string =>
  `DELETE FROM ${table} WHERE ${key} IN
   (SELECT ${key} FROM ${table} WHERE ${settled} IS NOT NULL AND ${settled} < ? LIMIT ${EXPIRED_PER_SETTLEMENT_MAX})`;
const EXPIRE_ROWS = expire("outbox", "position", "published");
const EXPIRE_TIMERS = expire("timers", "id", "fired");

const expiry = (now: string): string => new Date(Date.parse(now) - SETTLED_KEPT_MS).toISOString();

/** The outbox row of a fact. */
const ITS_ROW = "position = (SELECT position FROM facts WHERE id = ?) AND published IS NULL";

/** The outbox of the ledger that lives in this database. */
export function createOutbox(db: Database): Outbox {
  db.migrate("ledger", LEDGER_SCHEMA);
  return {
    async pending(now, limit): Promise<readonly OutboxRow[]> {
      const rows = db.rows(
        `SELECT ${FACT_COLUMNS}, o.attempts, o.since FROM outbox o JOIN facts f ON f.position = o.position
         WHERE o.published IS NULL AND o.next_attempt <= ? ORDER BY o.position LIMIT ? + 0`,
        now,
        limit,
      ) as readonly (FactRow & { attempts: number; since: string })[];
      return rows.map((row) => ({ fact: factOfRow(row), attempts: row.attempts, since: row.since }));
    },
    async settle(id, result) {
      await db.write((sql) => {
        if (!result.published) {
          sql.run(
            `UPDATE outbox SET attempts = attempts + 1, next_attempt = ? WHERE ${ITS_ROW}`,
            result.nextAttempt,
            id,
          );
          return;
        }
        sql.run(`UPDATE outbox SET published = ? WHERE ${ITS_ROW}`, result.time, id);
        sql.run(EXPIRE_ROWS, expiry(result.time));
      });
    },
    async timersDue(now, limit): Promise<readonly TimerRow[]> {
      const rows = db.rows(
        "SELECT id, stream, name, due FROM timers WHERE fired IS NULL AND due <= ? ORDER BY due, id LIMIT ? + 0",
        now,
        limit,
      ) as readonly TimerRow[];
      return rows.map(({ id, stream, name, due }) => ({ id, stream, name, due }));
    },
    async timerFired(id, time) {
      await db.write((sql) => {
        sql.run("UPDATE timers SET fired = ? WHERE id = ? AND fired IS NULL", time, id);
        sql.run(EXPIRE_TIMERS, expiry(time));
      });
    },
  };
}
