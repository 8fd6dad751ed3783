// The database file: group commit, savepoints, migrations, and what it says when it cannot be used.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import {
  type Database,
  JOBS_PER_COMMIT_MAX,
  JOBS_WAITING_MAX,
  openDatabase,
} from "../../shared/adapters/local/database.ts";
import { readSource, sourceFiles } from "../support/source-files.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "signalbox-database-"));
  return () => rmSync(folder, { recursive: true, force: true });
});

const TABLE = "CREATE TABLE words (word TEXT PRIMARY KEY)";

function open(path = join(folder, "test.db")): Database {
  const db = openDatabase(path);
  onTestFinished(() => db.close());
  db.migrate("words", [TABLE]);
  return db;
}

const add = (db: Database, word: string): Promise<number> =>
  db.write((sql) => sql.run("INSERT INTO words VALUES (?)", word));
const words = (db: Database): string[] =>
  (db.rows("SELECT word FROM words ORDER BY word") as readonly { word: string }[]).map(({ word }) => word);

describe("group commit", () => {
  test("a write resolves with its answer once another connection can read it", async () => {
    const db = open();
    expect(await add(db, "a")).toBe(1);
    const other = new DatabaseSync(join(folder, "test.db"));
    expect(other.prepare("SELECT count(*) AS n FROM words").get()?.["n"]).toBe(1);
    other.close();
  });

  test("a job that fails undoes and rejects only itself", async () => {
    const db = open();
    const results = await Promise.allSettled([
      add(db, "a"),
      db.write((sql) => {
        sql.run("INSERT INTO words VALUES ('half')");
        sql.run("INSERT INTO words VALUES ('a')");
      }),
      db.write(() => {
        throw new Error("mine");
      }),
      add(db, "b"),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: "ALREADY_EXISTS", reason: "ROW_EXISTS" } });
    expect(results[2]).toMatchObject({ reason: { message: "mine" } });
    expect(words(db)).toEqual(["a", "b"]);
  });

  test("a job that fails alone in its commit leaves nothing, and the next one is written", async () => {
    const db = open();
    await add(db, "a");
    const half = db.write((sql) => {
      sql.run("INSERT INTO words VALUES ('half')");
      sql.run("INSERT INTO words VALUES ('a')");
    });
    await expect(half).rejects.toMatchObject({ code: "ALREADY_EXISTS", reason: "ROW_EXISTS" });
    expect(words(db)).toEqual(["a"]);
    await add(db, "b");
    expect(words(db)).toEqual(["a", "b"]);
  });

  test("when the commit itself fails every caller hears of it and nothing is written", async () => {
    const db = open();
    db.migrate("links", [
      "CREATE TABLE links (word TEXT REFERENCES words (word) DEFERRABLE INITIALLY DEFERRED)",
    ]);
    const results = await Promise.allSettled([
      add(db, "a"),
      db.write((sql) => sql.run("INSERT INTO links VALUES ('nothing')")),
      add(db, "b"),
    ]);
    for (const result of results)
      expect(result).toMatchObject({
        status: "rejected",
        reason: { message: expect.stringMatching(/FOREIGN KEY/) },
      });
    expect(words(db)).toEqual([]);
    await add(db, "c");
    expect(words(db)).toEqual(["c"]);
  });

  test("more writes than fit into one commit are all done, in their order", async () => {
    const db = open();
    const order: number[] = [];
    const count = JOBS_PER_COMMIT_MAX * 2 + 1;
    await Promise.all(Array.from({ length: count }, (_, index) => db.write(() => order.push(index))));
    expect(order).toEqual(Array.from({ length: count }, (_, index) => index));
  });

  test("a full queue is refused instead of growing", async () => {
    const db = open();
    const waiting = Array.from({ length: JOBS_WAITING_MAX }, () => db.write(() => 1));
    await expect(db.write(() => 1)).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      reason: "WRITE_QUEUE_FULL",
    });
    expect(await Promise.all(waiting)).toHaveLength(JOBS_WAITING_MAX);
  });

  test("closing commits what waits and refuses what comes later", async () => {
    const db = open();
    const waiting = add(db, "a");
    db.close();
    expect(await waiting).toBe(1);
    await expect(add(db, "b")).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "DATABASE_CLOSED" });
    expect(() => words(db)).toThrow(/closed/);
    expect(words(open())).toEqual(["a"]);
  });
});

describe("a process that is killed", () => {
  const WRITER = `
    const { openDatabase } = await import(process.argv[1]);
    const db = openDatabase(process.argv[2]);
    db.migrate("words", ["CREATE TABLE words (word TEXT PRIMARY KEY)"]);
    for (let round = 0; ; round++) {
      const words = Array.from({ length: 20 }, (_, index) => round + "-" + index);
      await Promise.all(words.map((word) => db.write((sql) => sql.run("INSERT INTO words VALUES (?)", word))));
      process.stdout.write(words.join(" ") + "\\n");
    }
  `;

  test("loses nothing that it was told is written, and leaves a file that opens", async () => {
    const path = join(folder, "killed.db");
    const module = new URL("../../shared/adapters/local/database.ts", import.meta.url).href;
    const args = [
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      WRITER,
      "--",
      module,
      path,
    ];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (text: Buffer) => (output += text.toString()));
    await vi.waitUntil(() => output.split("\n").length > 20, { timeout: 20_000, interval: 5 });
    child.kill("SIGKILL");
    await once(child, "close");
    const told = output.slice(0, output.lastIndexOf("\n")).split(/\s/);
    expect(told.length).toBeGreaterThan(400 - 1);
    const db = open(path);
    const kept = new Set(words(db));
    expect(told.filter((word) => !kept.has(word))).toEqual([]);
    expect(kept.size % 20).toBe(0);
    expect({ ...db.row("PRAGMA integrity_check") }).toEqual({ integrity_check: "ok" });
  });
});

describe("migrations", () => {
  test("each step runs once, per component", () => {
    const path = join(folder, "steps.db");
    const first = openDatabase(path);
    first.migrate("a", ["CREATE TABLE a1 (x)"]);
    first.close();
    const second = openDatabase(path);
    onTestFinished(() => second.close());
    second.migrate("a", ["CREATE TABLE a1 (x)", "CREATE TABLE a2 (x)"]);
    second.migrate("a", ["CREATE TABLE a1 (x)", "CREATE TABLE a2 (x)"]);
    second.migrate("b", ["CREATE TABLE b1 (x)"]);
    expect(
      second.rows("SELECT * FROM schema_versions ORDER BY component").map((row) => ({ ...row })),
    ).toEqual([
      { component: "a", version: 2 },
      { component: "b", version: 1 },
    ]);
  });

  test("a step that fails leaves nothing behind", () => {
    const db = open();
    expect(() => db.migrate("c", ["CREATE TABLE c1 (x); CREATE TABLE words (x)"])).toThrow(/words/);
    expect(db.row("SELECT 1 FROM sqlite_schema WHERE name = 'c1'")).toBeUndefined();
  });

  test("tables of a newer program are refused with both versions and a remedy", () => {
    const db = open();
    db.migrate("a", ["CREATE TABLE a1 (x)", "CREATE TABLE a2 (x)"]);
    expect(() => db.migrate("a", ["CREATE TABLE a1 (x)"])).toThrow(
      expect.objectContaining({
        reason: "SCHEMA_NEWER",
        metadata: { path: join(folder, "test.db"), component: "a", version: "2", known: "1" },
        message: expect.stringContaining("Start the newer program"),
      }),
    );
  });
});

test("a mistake in our SQL is shown as it is, not as trouble with the file", async () => {
  const db = open();
  expect(() => db.rows("SELECT absent FROM words")).toThrow(/no such column/);
  await expect(db.write((sql) => sql.run("INSERT INTO absent VALUES (1)"))).rejects.not.toHaveProperty(
    "reason",
  );
});

describe("a file that cannot be used", () => {
  const refused = (path: string, reason: string) =>
    expect(() => openDatabase(path)).toThrow(
      expect.objectContaining({ code: "UNAVAILABLE", reason, message: expect.stringContaining(path) }),
    );

  test("a file that is no database is named with a remedy", () => {
    const path = join(folder, "text.db");
    writeFileSync(path, "this is no database, but it is long enough to have a header. ".repeat(20));
    refused(path, "DATABASE_DAMAGED");
  });

  test("a missing folder and a folder in place of the file are named with a remedy", () => {
    refused(join(folder, "none", "test.db"), "DATABASE_UNAVAILABLE");
    mkdirSync(join(folder, "folder.db"));
    refused(join(folder, "folder.db"), "DATABASE_UNAVAILABLE");
  });

  test("a database damaged inside is reported when its rows are read", async () => {
    const path = join(folder, "damaged.db");
    const db = openDatabase(path);
    db.migrate("words", [TABLE]);
    await Promise.all(Array.from({ length: 2_000 }, (_, index) => add(db, `${index}`.padStart(80, "0"))));
    db.close();
    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;");
    raw.close();
    const file = openSync(path, "r+");
    writeSync(file, Buffer.alloc(8192 * 20, 0xff), 0, 8192 * 20, 8192 * 3);
    closeSync(file);
    const damaged = openDatabase(path);
    onTestFinished(() => damaged.close());
    expect(() => words(damaged)).toThrow(
      expect.objectContaining({ code: "UNAVAILABLE", reason: "DATABASE_DAMAGED" }),
    );
  });

  test("a file that another process holds is refused after a limited wait", async () => {
    const db = open();
    const other = new DatabaseSync(join(folder, "test.db"));
    onTestFinished(() => other.close());
    other.exec("BEGIN IMMEDIATE");
    await expect(add(db, "a")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/Another process/),
    });
    other.exec("ROLLBACK");
    expect(await add(db, "a")).toBe(1);
  });
});

test("no bound limit makes SQLite plan a statement again for every call", () => {
  const sources = sourceFiles(".ts").filter((path) => path.startsWith("shared/adapters/local/"));
  const limits = sources.flatMap((path) => readSource(path).match(/LIMIT \?.*/g) ?? []);
  expect(limits.length).toBeGreaterThan(10);
  expect(limits.filter((text) => !/^LIMIT \?\d? \+ 0\b/.test(text) && !text.startsWith("LIMIT ?`"))).toEqual(
    [],
  );
});
