// A database file that a test opens, closes and opens again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Database, openDatabase } from "../../shared/adapters/local/database.ts";

/** An adapter on a fresh file; `reopen` closes the file and answers the adapter on it as a new process would find it. */
export function onDatabaseFile<Adapter>(create: (db: Database) => Adapter): {
  readonly adapter: Adapter;
  readonly reopen: () => Promise<Adapter>;
} {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-database-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "test.db");
  let db = openDatabase(path);
  onTestFinished(() => db.close());
  return {
    adapter: create(db),
    async reopen() {
      db.close();
      db = openDatabase(path);
      return create(db);
    },
  };
}
