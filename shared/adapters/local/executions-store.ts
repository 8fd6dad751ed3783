// Executions, their journals and the workflow sources that they are pinned to, in the shared database.
import type { JournalEntry, JournalStore, Outcome } from "../../../workflows/engine/engine.ts";
import type { Execution } from "../../ports/executions.ts";
import type { WorkflowExecution, WorkflowTraceElement } from "../../ports/workflow-executions.ts";
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
  `ALTER TABLE executions ADD COLUMN created TEXT NOT NULL DEFAULT '';
   ALTER TABLE executions ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';
   ALTER TABLE executions ADD COLUMN log_level TEXT NOT NULL DEFAULT '';
   ALTER TABLE executions ADD COLUMN trace TEXT;
   UPDATE executions SET created = started;
   CREATE INDEX executions_by_workflow ON executions (workflow, created);`,
];

/** Executions that may be at work at one time. */
export const EXECUTIONS_ACTIVE_MAX = 1_000;
/** Executions that may wait until one of those has ended. */
export const EXECUTIONS_QUEUED_MAX = 10_000;

interface ExecutionRow {
  readonly id: string;
  readonly workflow: string;
  readonly revision: string;
  readonly seed: string;
  readonly argument: string;
  readonly state: Execution["state"];
  readonly created: string;
  /** Empty until it starts. */
  readonly started: string;
  readonly ended: string | null;
  readonly result: string | null;
  readonly payload: string | null;
  readonly context: string | null;
  readonly labels: string;
  readonly log_level: string;
  readonly trace: string | null;
  readonly revision_number: number;
}

/** What it takes to go on with an execution. */
export type StoredExecution = Pick<ExecutionRow, "id" | "workflow" | "revision" | "seed" | "argument">;

/** A new execution. */
export interface NewExecution extends StoredExecution {
  readonly cause: string;
  readonly source: string;
  readonly created: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly callLogLevel?: string;
}

/** How much room there is for a new execution. */
export interface Room {
  /** Executions that may be at work. */
  readonly activeMax: number;
  readonly mayQueue: boolean;
}

function asExecution(row: ExecutionRow): Execution {
  const { id, workflow, state, created, started, ended, result, payload, context } = row;
  return {
    id,
    workflow,
    state,
    startedAt: started === "" ? created : started,
    ...(ended === null ? {} : { endedAt: ended }),
    ...(result === null ? {} : { result: JSON.parse(result) as unknown }),
    ...(payload === null ? {} : { error: { payload, context: context ?? "" } }),
  };
}

/** An execution with everything that its API shows. */
function asWorkflowExecution(row: ExecutionRow): WorkflowExecution {
  const { id, workflow, state, revision, created, started, ended, argument, result, payload, context } = row;
  const stackTrace = JSON.parse(row.trace ?? '{"elements":[]}') as { elements: WorkflowTraceElement[] };
  return {
    id,
    workflow,
    state,
    revision: revisionId(row.revision_number, revision),
    createdAt: created,
    ...(started === "" ? {} : { startedAt: started }),
    ...(ended === null ? {} : { endedAt: ended }),
    labels: JSON.parse(row.labels) as Record<string, string>,
    callLogLevel: row.log_level,
    argument,
    ...(result === null ? {} : { result }),
    ...(payload === null ? {} : { error: { payload, context: context ?? "", stackTrace } }),
  };
}

/** Each execution with the number of its source among the sources of its workflow, in the order in which they came into use. */
const SELECT = `SELECT executions.*, (
    SELECT COUNT(*) FROM workflow_sources AS earlier JOIN workflow_sources AS own ON own.revision = executions.revision
    WHERE earlier.workflow = executions.workflow AND earlier.rowid <= own.rowid
  ) AS revision_number FROM executions`;

/** A revision as the API names it: six digits that count, a dash, three characters that tell sources apart. */
export function revisionId(number: number, revision: string): string {
  return `${String(Math.max(1, number)).padStart(6, "0")}-${revision.slice(0, 3)}`;
}

const inState = (sql: Pick<Statements, "row">, state: "ACTIVE" | "QUEUED"): number =>
  (sql.row("SELECT COUNT(*) AS count FROM executions WHERE state = ?", state) as { count: number }).count;

function insert(
  sql: Statements,
  fresh: NewExecution,
  { activeMax, mayQueue }: Room,
): "inserted" | "queued" | "known" | "full" {
  if (sql.row("SELECT 1 FROM executions WHERE cause = ?", fresh.cause) !== undefined) return "known";
  const queued = inState(sql, "ACTIVE") >= activeMax;
  if (queued && (!mayQueue || inState(sql, "QUEUED") >= EXECUTIONS_QUEUED_MAX)) return "full";
  const { id, workflow, cause, revision, seed, argument, created, source } = fresh;
  sql.run("INSERT OR IGNORE INTO workflow_sources VALUES (?, ?, ?)", revision, workflow, source);
  sql.run(
    `INSERT INTO executions (id, workflow, cause, revision, seed, argument, state, created, started, labels, log_level)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    id,
    workflow,
    cause,
    revision,
    seed,
    argument,
    queued ? "QUEUED" : "ACTIVE",
    created,
    queued ? "" : created,
    JSON.stringify(fresh.labels ?? {}),
    fresh.callLogLevel ?? "",
  );
  return queued ? "queued" : "inserted";
}

/** Starts those that wait longest, as far as there is room; answers them. */
function promote(
  sql: Statements,
  time: string,
  activeMax: number,
  takesUp: (workflow: string) => boolean,
): readonly StoredExecution[] {
  const room = activeMax - inState(sql, "ACTIVE");
  if (room <= 0) return [];
  const query = `${SELECT} WHERE state = 'QUEUED' ORDER BY created, id LIMIT ? + 0`;
  const rows = (sql.rows(query, room) as readonly ExecutionRow[]).filter(({ workflow }) => takesUp(workflow));
  for (const { id } of rows)
    sql.run("UPDATE executions SET state = 'ACTIVE', started = ? WHERE id = ?", time, id);
  return rows;
}

/** The journal of one execution. Entries are only ever added. */
function journalOf(db: Database, id: string): JournalStore {
  // The last position by the primary key: to count the entries would cost more with each of them.
  const last = "SELECT MAX(position) AS position FROM execution_journal WHERE execution = ?";
  return {
    load: async () => {
      const query = "SELECT entry FROM execution_journal WHERE execution = ? ORDER BY position";
      const rows = db.rows(query, id) as readonly { entry: string }[];
      return rows.map(({ entry }) => JSON.parse(entry) as JournalEntry);
    },
    append: (entries) =>
      db.write((sql) => {
        const { position } = sql.row(last, id) as { position: number | null };
        const first = position === null ? 0 : position + 1;
        for (const [index, entry] of entries.entries())
          sql.run("INSERT INTO execution_journal VALUES (?, ?, ?)", id, first + index, JSON.stringify(entry));
      }),
  };
}

/** The store of executions in this database. */
export function createExecutionStore(db: Database) {
  db.migrate("executions", SCHEMA);
  return {
    /** Stores the execution, unless its cause has one (`known`) or too many are at work (`full`). */
    insert: (fresh: NewExecution, room: Room) => db.write((sql) => insert(sql, fresh, room)),
    /** Starts what is queued, oldest first, as far as there is room; answers what must be run now. */
    promote: (time: string, activeMax: number, takesUp: (workflow: string) => boolean) =>
      db.write((sql) => promote(sql, time, activeMax, takesUp)),
    hasQueued: (): boolean => db.row("SELECT 1 FROM executions WHERE state = 'QUEUED' LIMIT 1") !== undefined,
    /** An execution as its API shows it. */
    shown(id: string): WorkflowExecution | undefined {
      const row = db.row(`${SELECT} WHERE id = ?`, id) as ExecutionRow | undefined;
      return row === undefined ? undefined : asWorkflowExecution(row);
    },
    /** The latest executions of a workflow, newest first. */
    latest(workflow: string, limit: number): readonly WorkflowExecution[] {
      const query = `${SELECT} WHERE workflow = ? ORDER BY created DESC, id DESC LIMIT ? + 0`;
      return (db.rows(query, workflow, limit) as readonly ExecutionRow[]).map(asWorkflowExecution);
    },
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
        `${SELECT} WHERE state = 'ACTIVE' ORDER BY started LIMIT ? + 0`,
        EXECUTIONS_ACTIVE_MAX,
      ) as readonly ExecutionRow[],
    /** The id of a source of a workflow; one that was never run gets the next number. */
    revisionId(workflow: string, revision: string): string {
      const query = "SELECT revision FROM workflow_sources WHERE workflow = ? ORDER BY rowid";
      const known = (db.rows(query, workflow) as readonly { revision: string }[]).map((row) => row.revision);
      const index = known.indexOf(revision);
      return revisionId((index < 0 ? known.length : index) + 1, revision);
    },
    source(revision: string): string | undefined {
      const row = db.row("SELECT source FROM workflow_sources WHERE revision = ?", revision);
      return (row as { source: string } | undefined)?.source;
    },
    /** Ends an execution, once. */
    end: (id: string, outcome: Outcome, time: string): Promise<void> =>
      db.write((sql) => {
        const result = outcome.state === "SUCCEEDED" ? outcome.result : null;
        const {
          payload = null,
          context = null,
          stackTrace,
        } = outcome.state === "FAILED" ? outcome.error : {};
        sql.run(
          `UPDATE executions SET state = ?, ended = ?, result = ?, payload = ?, context = ?, trace = ?
           WHERE id = ? AND state IN ('ACTIVE', 'QUEUED')`,
          outcome.state,
          time,
          result,
          payload,
          context,
          stackTrace === undefined ? null : JSON.stringify(stackTrace),
          id,
        );
      }),
    journal: (id: string) => journalOf(db, id),
  };
}

/** Where executions are kept. */
export type ExecutionStore = ReturnType<typeof createExecutionStore>;
