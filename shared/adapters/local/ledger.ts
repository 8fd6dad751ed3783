// The ledger in SQLite: a batch is one savepoint of one durable commit.
import type { AnyFact } from "../../domain/fact.ts";
import { factId } from "../../domain/fact.ts";
import { invalidArgument } from "../../domain/errors.ts";
import type { Batch, FactQuery, Fold, Ledger, RecordedDecision, Snapshot } from "../../ports/ledger.ts";
import type { Database, Statements } from "./database.ts";
import { FACT_COLUMNS, type FactRow, factOfRow, jsonText } from "./fact-rows.ts";
import { LEDGER_SCHEMA } from "./ledger-schema.ts";
import { rememberedStreams } from "./remembered-streams.ts";

interface CauseRow {
  readonly input_hash: string;
  readonly version: number;
  readonly facts: number;
  readonly ignored: string | null;
  readonly time: string;
}

/** Characters of one snapshot: a larger one would cost each reader more than it saves, and is not kept. */
export const SNAPSHOT_CHARACTERS_MAX = 1_000_000;

const CURSOR = /^[0-9]{1,15}$/;

function writeFacts(sql: Statements, facts: readonly AnyFact[]): void {
  for (const fact of facts) {
    sql.run(
      "INSERT INTO facts (id, stream, version, type, time, cause, correlation, actor, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      fact.id,
      fact.subject,
      fact.version,
      fact.type,
      fact.time,
      fact.cause,
      fact.correlation,
      fact.actor,
      jsonText(fact.data, `The data of ${fact.type} on ${fact.subject}`),
    );
    sql.run(
      // The first attempt is due at once, whatever a host's clock may do between two processes.
      "INSERT INTO outbox (position, since, next_attempt) VALUES (last_insert_rowid(), ?, '')",
      fact.time,
    );
  }
}

/** The version of a stream; 0 when nothing was decided on it. */
function versionOf(sql: Pick<Statements, "row">, stream: string): number {
  const row = sql.row("SELECT version FROM streams WHERE stream = ?", stream) as
    | { readonly version: number }
    | undefined;
  return row?.version ?? 0;
}

function writeBatch(sql: Statements, batch: Batch): "appended" | "moved" | "decided" {
  const { stream, cause } = batch;
  const current = versionOf(sql, stream);
  // A cause makes at least one version: a stream without any knows none.
  const decided =
    current > 0 &&
    sql.row("SELECT 1 FROM causes WHERE stream = ? AND cause = ?", stream, cause) !== undefined;
  if (decided) return "decided";
  if (current !== batch.expected) return "moved";
  const last = batch.expected + Math.max(batch.facts.length, 1);
  sql.run(
    "INSERT INTO streams VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET version = excluded.version",
    stream,
    last,
  );
  sql.run(
    "INSERT INTO causes (stream, cause, input_hash, version, facts, ignored, actor, time) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    stream,
    cause,
    batch.inputHash,
    batch.expected + 1,
    batch.facts.length,
    batch.ignored ?? null,
    batch.actor,
    batch.time,
  );
  writeFacts(sql, batch.facts);
  for (const [index, due] of batch.due.entries()) {
    sql.run(
      "INSERT INTO timers (id, stream, name, due) VALUES (?, ?, ?, ?)",
      factId(stream, `${cause}/timer`, index),
      stream,
      due.name,
      new Date(due.time).toISOString(),
    );
  }
  return "appended";
}

/** Only what the ledger could not read back: the shape of facts is checked where they are recorded. */
function checkBatch(batch: Batch): void {
  for (const [index, fact] of batch.facts.entries()) {
    if (
      fact.subject !== batch.stream ||
      fact.version !== batch.expected + 1 + index ||
      fact.cause !== batch.cause
    ) {
      throw invalidArgument(
        `facts[${index}]`,
        `Fact ${index} of the batch on ${batch.stream} does not continue version ${batch.expected} with cause ${batch.cause}.`,
        "BATCH_BROKEN",
      );
    }
  }
  for (const due of batch.due) {
    if (Number.isNaN(Date.parse(due.time))) {
      throw invalidArgument(
        "due.time",
        `Timer ${due.name} on ${batch.stream} has the time ${due.time}: write it in RFC 3339.`,
      );
    }
  }
}

function decision(db: Database, stream: string, cause: string): RecordedDecision | undefined {
  const row = db.row("SELECT * FROM causes WHERE stream = ? AND cause = ?", stream, cause) as
    | CauseRow
    | undefined;
  if (row === undefined) return undefined;
  const facts = db.rows(
    `SELECT ${FACT_COLUMNS} FROM facts f WHERE stream = ? AND version >= ? AND version < ? ORDER BY version`,
    stream,
    row.version,
    row.version + row.facts,
  ) as readonly FactRow[];
  const known = { stream, cause, inputHash: row.input_hash, facts: facts.map(factOfRow), time: row.time };
  return row.ignored === null ? known : { ...known, ignored: row.ignored };
}

function list(db: Database, query: FactQuery) {
  const newest = query.order === "newest-first";
  const where: string[] = [];
  const values: (string | number)[] = [];
  const when = (text: string, ...bound: readonly (string | number)[]): void => {
    where.push(text);
    values.push(...bound);
  };
  if (query.after !== undefined) {
    if (!CURSOR.test(query.after)) {
      throw invalidArgument(
        "after",
        "The cursor is not one of this list: start again without it.",
        "INVALID_CURSOR",
      );
    }
    when(newest ? "f.position < ?" : "f.position > ?", Number(query.after));
  }
  // "0" is the character after "/": the streams below a name are one range of the index.
  if (query.subject?.endsWith("/") === true)
    when("f.stream >= ? AND f.stream < ?", query.subject, `${query.subject.slice(0, -1)}0`);
  else if (query.subject !== undefined) when("f.stream = ?", query.subject);
  if (query.types !== undefined)
    when("f.type IN (SELECT value FROM json_each(?))", JSON.stringify(query.types));
  const rows = db.rows(
    `SELECT ${FACT_COLUMNS}, f.position FROM facts f ${where.length > 0 ? `WHERE ${where.join(" AND ")}` : ""}
     ORDER BY f.position ${newest ? "DESC" : "ASC"} LIMIT ? + 0`,
    ...values,
    query.limit + 1,
  ) as readonly (FactRow & { position: number })[];
  const page = rows.slice(0, query.limit);
  const last = rows.length > page.length ? page.at(-1) : undefined;
  return {
    facts: page.map(factOfRow),
    cursors: page.map(({ position }) => String(position)),
    next: last === undefined ? undefined : String(last.position),
  };
}

function snapshot(db: Database, stream: string, { name, schema }: Fold): Snapshot | undefined {
  const row = db.row(
    "SELECT version, state FROM snapshots WHERE stream = ? AND fold = ? AND schema = ? ORDER BY version DESC LIMIT 1",
    stream,
    name,
    schema,
  ) as { version: number; state: string } | undefined;
  return row === undefined ? undefined : { version: row.version, state: JSON.parse(row.state) as unknown };
}

function keepSnapshot(sql: Statements, stream: string, { name, schema }: Fold, kept: Snapshot): void {
  const { version, state } = kept;
  // A version that the stream does not have would hide facts that are still to come.
  const ahead =
    sql.row("SELECT 1 FROM streams WHERE stream = ? AND version >= ?", stream, version) === undefined;
  if (ahead) return;
  const text = jsonText(state, `The snapshot of ${stream}`);
  if (text.length > SNAPSHOT_CHARACTERS_MAX) return;
  sql.run(
    "INSERT INTO snapshots (stream, fold, schema, version, state) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    stream,
    name,
    schema,
    version,
    text,
  );
  sql.run(
    "DELETE FROM snapshots WHERE stream = ? AND fold = ? AND (schema < ? OR (schema = ? AND version < ?))",
    stream,
    name,
    schema,
    schema,
    version,
  );
}

/** A ledger whose streams, causes, outbox rows and timers live in this database. */
export function createLedger(db: Database): Ledger {
  db.migrate("ledger", LEDGER_SCHEMA);
  const read = rememberedStreams(db);
  return {
    read: async (stream, afterVersion = 0) => read(stream, afterVersion),
    decision: async (stream, cause) => decision(db, stream, cause),
    async append(batch) {
      checkBatch(batch);
      return db.write((sql) => writeBatch(sql, batch));
    },
    snapshot: async (stream, fold) => snapshot(db, stream, fold),
    keepSnapshot: (stream, fold, kept) => db.write((sql) => keepSnapshot(sql, stream, fold, kept)),
    list: async (query) => list(db, query),
  };
}
