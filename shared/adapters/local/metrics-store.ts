// Counter samples in the database. A backend's samples are read by its own index range, so that a look costs what it shows.
import type { CounterSample } from "../../ports/metrics.ts";
import type { Database, Statements } from "./database.ts";

/** Samples that one answer may hold for one backend; of a longer range the newest are answered. */
export const SAMPLES_MAX = 1_000_000;

/** The counters of one backend at a scrape. */
export interface Counted {
  readonly endpoint: string;
  readonly backend: string;
  readonly requests: number;
  readonly errors: number;
}

/** A scrape that failed. */
export interface Gap {
  readonly time: string;
  readonly reason: string;
}

/** Samples and gaps. */
export interface MetricsStore {
  /** Keeps one scrape; answers how many samples that are. */
  keep(time: string, instance: string, counted: readonly Counted[]): Promise<number>;
  keepGap(gap: Gap): Promise<void>;
  /** Forgets what is older. */
  forget(before: string): Promise<void>;
  samples(endpoint: string, from: string, to: string): readonly CounterSample[];
  gaps(from: string, to: string): readonly Gap[];
}

const SCHEMA = [
  `CREATE TABLE metric_samples (
     endpoint TEXT NOT NULL, backend TEXT NOT NULL, time TEXT NOT NULL, instance TEXT NOT NULL,
     requests INTEGER NOT NULL, errors INTEGER NOT NULL,
     PRIMARY KEY (endpoint, backend, time)
   ) WITHOUT ROWID;
   CREATE INDEX metric_samples_by_time ON metric_samples (time);
   CREATE TABLE metric_backends (endpoint TEXT NOT NULL, backend TEXT NOT NULL, PRIMARY KEY (endpoint, backend)) WITHOUT ROWID;
   CREATE TABLE metric_gaps (time TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;`,
];

const SELECT =
  "SELECT time, backend, instance, requests, errors FROM metric_samples WHERE endpoint = ? AND backend = ?";

function insert(
  sql: Statements,
  time: string,
  instance: string,
  { endpoint, backend, requests, errors }: Counted,
): void {
  sql.run("INSERT OR IGNORE INTO metric_backends VALUES (?, ?)", endpoint, backend);
  const row = [endpoint, backend, time, instance, requests, errors] as const;
  sql.run("INSERT OR REPLACE INTO metric_samples VALUES (?, ?, ?, ?, ?, ?)", ...row);
}

/** Backends of the last scrape that a new instance does not know: their counters were reset, they stand at 0. */
function reset(
  sql: Statements,
  time: string,
  instance: string,
  counted: readonly Counted[],
): readonly Counted[] {
  const last = sql.rows(
    `SELECT endpoint, backend FROM metric_samples
     WHERE time = (SELECT max(time) FROM metric_samples WHERE time < ?) AND instance <> ?`,
    time,
    instance,
  ) as readonly Pick<Counted, "endpoint" | "backend">[];
  const seen = new Set(counted.map(({ backend }) => backend));
  return last.filter(({ backend }) => !seen.has(backend)).map((row) => ({ ...row, requests: 0, errors: 0 }));
}

const byTime = (one: CounterSample, other: CounterSample): number =>
  one.time < other.time ? -1 : one.time > other.time ? 1 : 0;

/** The store in this database. */
export function createMetricsStore(database: Database): MetricsStore {
  database.migrate("metrics", SCHEMA);
  return {
    keep: (time, instance, counted) =>
      database.write((sql) => {
        const all = [...counted, ...reset(sql, time, instance, counted)];
        for (const each of all) insert(sql, time, instance, each);
        return all.length;
      }),
    keepGap: ({ time, reason }) =>
      database.write((sql) => void sql.run("INSERT OR REPLACE INTO metric_gaps VALUES (?, ?)", time, reason)),
    forget: (before) =>
      database.write((sql) => {
        sql.run("DELETE FROM metric_samples WHERE time < ?", before);
        sql.run("DELETE FROM metric_gaps WHERE time < ?", before);
      }),
    samples(endpoint, from, to) {
      const backends = database.rows("SELECT backend FROM metric_backends WHERE endpoint = ?", endpoint);
      return (backends as readonly { readonly backend: string }[])
        .flatMap(({ backend }) => [
          ...database.rows(`${SELECT} AND time < ? ORDER BY time DESC LIMIT 1`, endpoint, backend, from),
          ...database
            .rows(
              `${SELECT} AND time BETWEEN ? AND ? ORDER BY time DESC LIMIT ? + 0`,
              endpoint,
              backend,
              from,
              to,
              SAMPLES_MAX,
            )
            .toReversed(),
        ])
        .map((row) => ({ ...(row as CounterSample) }))
        .toSorted(byTime);
    },
    gaps(from, to) {
      const rows = database.rows(
        "SELECT time, reason FROM metric_gaps WHERE time BETWEEN ? AND ? ORDER BY time",
        from,
        to,
      );
      return (rows as readonly Gap[]).map((row) => ({ ...row }));
    },
  };
}
