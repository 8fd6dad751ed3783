// Tables of the ledger. Outbox and timers stand beside the facts, so that one commit holds them all.
// An outbox row has its fact's position and nothing else of it: every further index would slow each append.

/** Steps of `Database.migrate("ledger", …)`: append-only. */
export const LEDGER_SCHEMA: readonly string[] = [
  `
  CREATE TABLE streams (stream TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE facts (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    time TEXT NOT NULL,
    cause TEXT NOT NULL,
    correlation TEXT NOT NULL,
    actor TEXT NOT NULL,
    data TEXT NOT NULL,
    UNIQUE (stream, version)
  );
  CREATE TABLE causes (
    stream TEXT NOT NULL,
    cause TEXT NOT NULL,
    input_hash TEXT NOT NULL,
    version INTEGER NOT NULL,
    facts INTEGER NOT NULL,
    ignored TEXT,
    actor TEXT NOT NULL,
    time TEXT NOT NULL,
    PRIMARY KEY (stream, cause)
  ) WITHOUT ROWID;
  CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    since TEXT NOT NULL,
    next_attempt TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    published TEXT
  );
  CREATE INDEX outbox_pending ON outbox (position) WHERE published IS NULL;
  CREATE INDEX outbox_published ON outbox (published) WHERE published IS NOT NULL;
  CREATE TABLE timers (
    id TEXT PRIMARY KEY,
    stream TEXT NOT NULL,
    name TEXT NOT NULL,
    due TEXT NOT NULL,
    fired TEXT
  ) WITHOUT ROWID;
  CREATE INDEX timers_waiting ON timers (due, id) WHERE fired IS NULL;
  CREATE INDEX timers_fired ON timers (fired) WHERE fired IS NOT NULL;
  `,
  `
  CREATE TABLE snapshots (
    stream TEXT NOT NULL,
    fold TEXT NOT NULL,
    schema INTEGER NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (stream, fold, schema, version)
  ) WITHOUT ROWID;
  `,
];
