// Executions, their journals and the workflow sources that they are pinned to, in the shared database.
import type { JournalEntry, JournalStore, Outcome } from "../../../workflows/engine/engine.ts";
import type { Execution } from "../../ports/executions.ts";
import type { Database, Statements } from "./database.ts";

const SCHEMA = [
  `CREATE TABLE workflow_sources (revision TEXT PRIMARY KEY, workflow TEXT NOT NULL, source TEXT NOT NULL) STRICT;
   CREATE TABLE executions (
     id TEXT PRIMARY KEY, workflow TEXT NOT NULL, cause TEXT NOT NULL UNIQUE, revision TEXT NOT NULL, seed TEXT NOT NULL,
     argument TEXT NOT NULL, state TEXT NOT NULL, started TEXT NOT NULL, ended TEXT, result TEXT, payload TEXT, context TEXT
   ) STRICT;
   CREATE INDEX executions_by_state ON executions (state, started);
   CREATE TABLE execution_journal (
     execution TEXT NOT NULL, position INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY (execution, position)
   ) STRICT, WITHOUT ROWID;`,
];

/** Executions that may be at work at one time. */
export const EXECUTIONS_ACTIVE_MAX = 1_000;

interface ExecutionRow {
  readonly id: string;
  readonly workflow: string;
  readonly revision: string;
  readonly seed: string;
  readonly argument: string;
  readonly state: Execution["state"];
  readonly started: string;
  readonly ended: string | null;
  readonly result: string | null;
  readonly payload: string | null;
  readonly context: string | null;
}

/** What it takes to go on with an execution. */
export type StoredExecution = Pick<ExecutionRow, "id" | "workflow" | "revision" | "seed" | "argument">;

/** A new execution. */
export interface NewExecution extends StoredExecution {
  readonly cause: string;
  readonly source: string;
  readonly started: string;
}

function asExecution(row: ExecutionRow): Execution {
  const { id, workflow, state, started, ended, result, payload, context } = row;
  return {
    id,
    workflow,
    state,
    startedAt: started,
    ...(ended === null ? {} : { endedAt: ended }),
    ...(result === null ? {} : { result: JSON.parse(result) as unknown }),
    ...(payload === null ? {} : { error: { payload, context: context ?? "" } }),
  };
}

const SELECT =
  "SELECT id, workflow, revision, seed, argument, state, started, ended, result, payload, context FROM executions";

function insert(sql: Statements, fresh: NewExecution): "inserted" | "known" | "full" {
  if (sql.row("SELECT 1 FROM executions WHERE cause = ?", fresh.cause) !== undefined) return "known";
  const active = sql.row("SELECT COUNT(*) AS count FROM executions WHERE state = 'ACTIVE'") as {
    count: number;
  };
  if (active.count >= EXECUTIONS_ACTIVE_MAX) return "full";
  const { id, workflow, cause, revision, seed, argument, started, source } = fresh;
  sql.run("INSERT OR IGNORE INTO workflow_sources VALUES (?, ?, ?)", revision, workflow, source);
  sql.run(
    `INSERT INTO executions (id, workflow, cause, revision, seed, argument, state, started)
     VALUES (?, ?, ?, ?, ?, ?, 'ACTIVE', ?)`,
    id,
    workflow,
    cause,
    revision,
    seed,
    argument,
    started,
  );
  return "inserted";
}

/** The store of executions in this database. */
export function createExecutionStore(db: Database) {
  db.migrate("executions", SCHEMA);
  return {
    /** Stores the execution, unless its cause has one (`known`) or too many are at work (`full`). */
    insert: (fresh: NewExecution) => db.write((sql) => insert(sql, fresh)),
    get(id: string): Execution | undefined {
      const row = db.row(`${SELECT} WHERE id = ?`, id) as ExecutionRow | undefined;
      return row === undefined ? undefined : asExecution(row);
    },
    find: (cause: string): readonly Execution[] =>
      (db.rows(`${SELECT} WHERE cause = ? ORDER BY started`, cause) as readonly ExecutionRow[]).map(
        asExecution,
      ),
    /** Executions that have not ended. */
    active: (): readonly StoredExecution[] =>
      db.rows(
        `${SELECT} WHERE state = 'ACTIVE' ORDER BY started LIMIT ?`,
        EXECUTIONS_ACTIVE_MAX,
      ) as readonly ExecutionRow[],
    source(revision: string): string | undefined {
      const row = db.row("SELECT source FROM workflow_sources WHERE revision = ?", revision);
      return (row as { source: string } | undefined)?.source;
    },
    /** Ends an execution, once. */
    end: (id: string, outcome: Outcome, time: string): Promise<void> =>
      db.write((sql) => {
        const result = outcome.state === "SUCCEEDED" ? outcome.result : null;
        const { payload = null, context = null } = outcome.state === "FAILED" ? outcome.error : {};
        sql.run(
          "UPDATE executions SET state = ?, ended = ?, result = ?, payload = ?, context = ? WHERE id = ? AND state = 'ACTIVE'",
          outcome.state,
          time,
          result,
          payload,
          context,
          id,
        );
      }),
    /** The journal of one execution. Entries are only ever added. */
    journal(id: string): JournalStore {
      const count = "SELECT COUNT(*) AS count FROM execution_journal WHERE execution = ?";
      return {
        load: async () => {
          const query = "SELECT entry FROM execution_journal WHERE execution = ? ORDER BY position";
          const rows = db.rows(query, id) as readonly { entry: string }[];
          return rows.map(({ entry }) => JSON.parse(entry) as JournalEntry);
        },
        append: (entries) =>
          db.write((sql) => {
            const { count: first } = sql.row(count, id) as { count: number };
            for (const [index, entry] of entries.entries()) {
              sql.run(
                "INSERT INTO execution_journal VALUES (?, ?, ?)",
                id,
                first + index,
                JSON.stringify(entry),
              );
            }
          }),
      };
    },
  };
}

/** Where executions are kept. */
export type ExecutionStore = ReturnType<typeof createExecutionStore>;
