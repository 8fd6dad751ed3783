// One SQLite file that the local adapters share. Many callers, one durable commit: see `write`.
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";

/** Writes that go into one commit: it bounds how long a commit holds the event loop. */
export const JOBS_PER_COMMIT_MAX = 1_000;
/** Writes that may wait for their commit; more are refused, so that memory stays bounded. */
export const JOBS_WAITING_MAX = 20_000;
/** How long a commit waits for another process that writes to the same file. It holds the event loop. */
const BUSY_TIMEOUT_MS = 2_000;

/** One row as SQLite answers it. Its reader names the shape, which its own schema guarantees. */
export type Row = object;

/**
 * SQL inside one write. Values are bound, never put into the text. A bound limit is written `LIMIT ? + 0`: of a bare `LIMIT ?`
 * SQLite asks the value while it plans, and so plans the statement again for every call (twenty times the cost of a short one).
 */
export interface Statements {
  /** Runs a statement and answers how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
  /** The rows of a query. */
  rows(sql: string, ...values: SQLInputValue[]): readonly Row[];
  /** The first row of a query, or undefined. */
  row(sql: string, ...values: SQLInputValue[]): Row | undefined;
}

/** An open database file. Reads are synchronous and see only what is durable. */
export interface Database extends Pick<Statements, "rows" | "row"> {
  /**
   * Runs the job in the next commit and resolves with its answer once that is durable. Jobs of one turn of the event loop
   * share a commit (group commit); each of several has a savepoint, so a job that throws undoes and rejects only itself.
   * A job is synchronous and reads its own transaction through the statements it is given.
   */
  write<Answer>(job: (sql: Statements) => Answer): Promise<Answer>;
  /**
   * Brings the tables of one component to version `steps.length`; step n makes version n + 1. Steps are append-only.
   * Throws FAILED_PRECONDITION `SCHEMA_NEWER` when a newer program wrote them.
   */
  migrate(component: string, steps: readonly string[]): void;
  /** Commits what waits, then closes the file. Later calls are refused with UNAVAILABLE. */
  close(): void;
}

interface Job {
  readonly run: (sql: Statements) => unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** SQLITE_CONSTRAINT_UNIQUE and SQLITE_CONSTRAINT_PRIMARYKEY. */
const UNIQUE_VIOLATIONS: ReadonlySet<unknown> = new Set([2067, 1555]);
const DAMAGED =
  "The file is damaged or is no database: put back a copy of it, or move it away to start empty.";
const OTHER_WRITER = "Another process writes to it: stop that process, or try again.";
const NO_ACCESS = "Check that the folder exists and that this user may write there.";

/** Primary result codes of SQLite that come from the world and not from our SQL (sqlite.org/rescode.html), with the remedy. */
const REMEDIES: Readonly<Record<number, string>> = {
  5: OTHER_WRITER, // SQLITE_BUSY
  6: OTHER_WRITER, // SQLITE_LOCKED
  7: "The process has no memory left: give it more.", // SQLITE_NOMEM
  8: NO_ACCESS, // SQLITE_READONLY
  10: "The disk failed: look at the system's log, and at the space that is left.", // SQLITE_IOERR
  11: DAMAGED, // SQLITE_CORRUPT
  13: "The disk is full: free some space.", // SQLITE_FULL
  14: NO_ACCESS, // SQLITE_CANTOPEN
  15: OTHER_WRITER, // SQLITE_PROTOCOL
  26: DAMAGED, // SQLITE_NOTADB
};

/** Turns SQLite's errors into ours. Errors of ours, and what only a defect of our SQL can cause, pass through. */
function translate(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return error;
  const detail = { metadata: { path, sqlite: error.message }, cause: error };
  if (UNIQUE_VIOLATIONS.has(error.errcode)) {
    return new ControlPlaneError(
      "ALREADY_EXISTS",
      `A row with this key exists in ${path}: ${error.message}.`,
      {
        reason: "ROW_EXISTS",
        ...detail,
      },
    );
  }
  const remedy = REMEDIES[error.errcode & 0xff];
  if (remedy === undefined) return error;
  return new ControlPlaneError(
    "UNAVAILABLE",
    `The database ${path} cannot be used (${error.message}). ${remedy}`,
    {
      reason: remedy === DAMAGED ? "DATABASE_DAMAGED" : "DATABASE_UNAVAILABLE",
      ...detail,
    },
  );
}

/** Statements of one connection, each prepared once. Their number is bounded by the SQL in our source. */
function statements(db: DatabaseSync): Statements {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const fresh = db.prepare(sql);
    prepared.set(sql, fresh);
    return fresh;
  };
  return {
    run: (sql, ...values) => Number(prepare(sql).run(...values).changes),
    rows: (sql, ...values) => prepare(sql).all(...values),
    row: (sql, ...values) => prepare(sql).get(...values),
  };
}

/** Runs one job inside a savepoint and answers how to settle its caller after the commit. */
function attempt(db: DatabaseSync, sql: Statements, path: string, job: Job): () => void {
  sql.run("SAVEPOINT job");
  try {
    const answer = job.run(sql);
    sql.run("RELEASE job");
    return () => job.resolve(answer);
  } catch (error) {
    // A full disk or a failed read ends the whole transaction: then nothing of this commit is durable.
    if (!db.isTransaction) throw error;
    sql.run("ROLLBACK TO job");
    sql.run("RELEASE job");
    return () => job.reject(translate(path, error));
  }
}

/** Runs the only job of a commit: when it throws, all of the transaction is undone, so it needs no savepoint. */
function attemptAlone({ run, resolve }: Job, sql: Statements): () => void {
  const answer = run(sql);
  return () => resolve(answer);
}

/** One commit for all jobs; callers hear of it only when it is durable, or that none of it is. */
function commit(db: DatabaseSync, sql: Statements, path: string, jobs: readonly Job[]): void {
  const settle: (() => void)[] = [];
  const [first, ...more] = jobs;
  try {
    // Through `run`, which keeps them prepared, as savepoints are: `exec` would read their text again for every commit.
    sql.run("BEGIN IMMEDIATE");
    if (first !== undefined && more.length === 0) settle.push(attemptAlone(first, sql));
    else for (const job of jobs) settle.push(attempt(db, sql, path, job));
    sql.run("COMMIT");
  } catch (error) {
    if (db.isTransaction) sql.run("ROLLBACK");
    const failure = translate(path, error);
    for (const job of jobs) job.reject(failure);
    return;
  }
  for (const settled of settle) settled();
}

function migrate(db: DatabaseSync, path: string, component: string, steps: readonly string[]): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(
      "CREATE TABLE IF NOT EXISTS schema_versions (component TEXT PRIMARY KEY, version INTEGER NOT NULL)",
    );
    const row = db.prepare("SELECT version FROM schema_versions WHERE component = ?").get(component);
    const version = Number(row?.["version"] ?? 0);
    if (version > steps.length) {
      throw failedPrecondition(
        "SCHEMA_NEWER",
        `${path} was written by a newer Signalbox: its ${component} tables have version ${version} and this program knows ${steps.length}. Start the newer program, or choose another state folder.`,
        { path, component, version: String(version), known: String(steps.length) },
      );
    }
    for (const step of steps.slice(version)) db.exec(step);
    db.prepare(
      "INSERT INTO schema_versions VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
    ).run(component, steps.length);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw translate(path, error);
  }
}

/** Opens the file with a write-ahead log that is synced at every commit: what resolved survives a power cut. */
function connect(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    db.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    // What savepoints undo is kept in memory: beyond 64 KB in one commit SQLite would write every page of it to a temporary file.
    db.exec("PRAGMA temp_store = MEMORY;");
    db.exec("PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536; PRAGMA foreign_keys = ON;");
    return db;
  } catch (error) {
    if (db?.isOpen === true) db.close();
    throw translate(path, error);
  }
}

/** The queue of jobs in front of the commits. */
function groupCommits(db: DatabaseSync, sql: Statements, path: string) {
  const queue: Job[] = [];
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    if (queue.length === 0) return;
    commit(db, sql, path, queue.splice(0, JOBS_PER_COMMIT_MAX));
    if (queue.length > 0) schedule();
  };
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  };
  return {
    add(job: Job): void {
      queue.push(job);
      schedule();
    },
    full: () => queue.length >= JOBS_WAITING_MAX,
    drain(): void {
      while (queue.length > 0) flush();
    },
  };
}

/**
 * Opens or creates a database; `:memory:` keeps it in this process.
 * Throws UNAVAILABLE with the path and a remedy when the file cannot be opened or is damaged.
 */
export function openDatabase(path: string): Database {
  const db = connect(path);
  const sql = statements(db);
  const commits = groupCommits(db, sql, path);
  const guard = <Answer>(work: () => Answer): Answer => {
    if (!db.isOpen) {
      throw new ControlPlaneError("UNAVAILABLE", `The database ${path} is closed. Start the program again.`, {
        reason: "DATABASE_CLOSED",
        metadata: { path },
      });
    }
    try {
      return work();
    } catch (error) {
      throw translate(path, error);
    }
  };
  return {
    rows: (text, ...values) => guard(() => sql.rows(text, ...values)),
    row: (text, ...values) => guard(() => sql.row(text, ...values)),
    migrate: (component, steps) => guard(() => migrate(db, path, component, steps)),
    async write<Answer>(job: (sql: Statements) => Answer): Promise<Answer> {
      guard(() => undefined);
      if (commits.full()) {
        throw new ControlPlaneError(
          "RESOURCE_EXHAUSTED",
          `${JOBS_WAITING_MAX} writes wait for the database ${path}. Try again when the load has dropped.`,
          { reason: "WRITE_QUEUE_FULL", metadata: { path } },
        );
      }
      return new Promise<Answer>((resolve, reject) => {
        commits.add({ run: job, resolve: (answer) => resolve(answer as Answer), reject });
      });
    },
    close() {
      if (!db.isOpen) return;
      commits.drain();
      db.close();
    },
  };
}
