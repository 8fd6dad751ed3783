// Read models in SQLite: JSON documents by collection and key.
import type { ReadDocument, ViewDocument, ViewPut, ViewQuery, Views } from "../../ports/views.ts";
import type { Database, Statements } from "./database.ts";
import { jsonText } from "./fact-rows.ts";

const VIEWS_SCHEMA: readonly string[] = [
  `
  CREATE TABLE views (collection TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL, UNIQUE (collection, key));
  CREATE TABLE views_seen (
    projection TEXT NOT NULL, stream TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (projection, stream)
  ) WITHOUT ROWID;
  `,
];

/** Sorts after every key that begins with the prefix in front of it: the last code point, which no text uses. */
const AFTER_ALL = "\u{10FFFF}";

interface DocumentRow {
  readonly key: string;
  readonly document: string;
}

function list(db: Database, query: ViewQuery) {
  const descending = query.order === "descending";
  const prefix = query.prefix ?? "";
  const where = ["collection = ?", "key >= ?", "key < ?"];
  const values: (string | number)[] = [query.collection, prefix, `${prefix}${AFTER_ALL}`];
  if (query.after !== undefined) {
    where.push(descending ? "key < ?" : "key > ?");
    values.push(query.after);
  }
  const rows = db.rows(
    `SELECT key, document FROM views WHERE ${where.join(" AND ")} ORDER BY key ${descending ? "DESC" : "ASC"} LIMIT ? + 0`,
    ...values,
    query.limit,
  ) as readonly DocumentRow[];
  return rows.map(({ key, document }) => ({ key, document: JSON.parse(document) as ViewDocument }));
}

const seenVersion = (sql: Pick<Statements, "row">, projection: string, stream: string): number =>
  (
    sql.row("SELECT version FROM views_seen WHERE projection = ? AND stream = ?", projection, stream) as
      | { version: number }
      | undefined
  )?.version ?? 0;

/** The JSON of a document, which is its ETag as well; null where there is none. */
const storedText = (sql: Pick<Statements, "row">, collection: string, key: string): string | null =>
  (
    sql.row("SELECT document FROM views WHERE collection = ? AND key = ?", collection, key) as
      | DocumentRow
      | undefined
  )?.document ?? null;

/** Read models that live in this database. Keys are ordered by their UTF-8 bytes. */
export function createViews(db: Database): Views {
  db.migrate("views", VIEWS_SCHEMA);
  const read = (collection: string, key: string): ReadDocument => {
    const etag = storedText(db, collection, key);
    return { document: etag === null ? undefined : (JSON.parse(etag) as ViewDocument), etag };
  };
  return {
    read: async (collection, key) => read(collection, key),
    get: async (collection, key) => read(collection, key).document,
    list: async (query) => list(db, query),
    seen: async (projection, stream) => seenVersion(db, projection, stream),
    async commit(change) {
      return db.write((sql) => {
        if (seenVersion(sql, change.projection, change.stream) !== change.expected) return "stale";
        const isChanged = ({ collection, key, etag }: ViewPut): boolean =>
          etag !== undefined && storedText(sql, collection, key) !== etag;
        if (change.puts.some(isChanged)) return "stale";
        for (const { collection, key, document } of change.puts) {
          if (document === null)
            sql.run("DELETE FROM views WHERE collection = ? AND key = ?", collection, key);
          else {
            sql.run(
              "INSERT INTO views VALUES (?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET document = excluded.document",
              collection,
              key,
              jsonText(document, `The document ${collection}/${key}`),
            );
          }
        }
        sql.run(
          "INSERT INTO views_seen VALUES (?, ?, ?) ON CONFLICT (projection, stream) DO UPDATE SET version = excluded.version",
          change.projection,
          change.stream,
          change.seen,
        );
        return "committed";
      });
    },
  };
}
