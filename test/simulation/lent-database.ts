// The databases of histories: a history is lent one in memory, and what it wrote is wiped when it gives it back.
// To make all tables and to plan all statements anew took more time than a short history.
import { type Database, openDatabase } from "../../shared/adapters/local/database.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";

/** A database that one history has for itself. */
export interface LentDatabase {
  readonly db: Database;
  /** Ends the loan: later calls, of a process that should be dead, are refused; what was written is wiped. */
  giveBack(): Promise<void>;
}

const free: Database[] = [];

const tablesOf = (db: Database): readonly string[] =>
  (
    db.rows(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_versions' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
    ) as readonly { readonly name: string }[]
  ).map(({ name }) => name);

/** Empties all tables, those that refer to others first, and begins to count from 1 again. */
async function wipe(db: Database): Promise<void> {
  const tables = tablesOf(db).toReversed();
  await db.write((sql) => {
    for (const table of tables) sql.run(`DELETE FROM ${table}`);
    sql.run("DELETE FROM sqlite_sequence");
  });
}

/** Lends an empty database. */
export function lendDatabase(): LentDatabase {
  const db = free.pop() ?? openDatabase(":memory:");
  let over = false;
  const lent = (): Database => {
    if (!over) return db;
    throw new ControlPlaneError("UNAVAILABLE", "The history is over, and its database given back.", {
      reason: "DATABASE_CLOSED",
    });
  };
  return {
    db: {
      rows: (sql, ...values) => lent().rows(sql, ...values),
      row: (sql, ...values) => lent().row(sql, ...values),
      migrate: (component, steps) => lent().migrate(component, steps),
      write: async (job) => lent().write(job),
      close: () => {
        throw new Error("A lent database is given back, not closed.");
      },
    },
    async giveBack() {
      over = true;
      await wipe(db);
      free.push(db);
    },
  };
}
