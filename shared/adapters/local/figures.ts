// Figures of the stores in this database. What can change no more is counted once and remembered; only the rest is read.
import type { FactType } from "../../domain/facts.ts";
import { FACT_DETAILS, type FactFigure, type Figures, type StoreFigures } from "../../ports/figures.ts";
import type { Database } from "./database.ts";

/** Rows that are counted in one go: it bounds how long the first count holds the event loop. */
export const ROWS_COUNTED_AT_ONCE_MAX = 20_000;

type Outcome = StoreFigures["deliveries"][number]["outcome"];

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// Types and fields are constants of ours, not values of anyone.
const DETAIL = `CASE type ${Object.entries(FACT_DETAILS)
  .map(([type, field]) => `WHEN '${type}' THEN coalesce(json_extract(data, '$.${field}'), '')`)
  .join(" ")} ELSE '' END`;

const positionOf = (row: object | undefined): number =>
  (row as { position: number | null } | undefined)?.position ?? 0;

/** Counts by key that grow by ranges of positions, and the last position that is in them. */
function createTally(count: (after: number, until: number) => readonly { key: string; count: number }[]) {
  const counts = new Map<string, number>();
  let counted = 0;
  return {
    counts,
    counted: () => counted,
    async countUntil(last: number): Promise<void> {
      while (counted < last) {
        const until = Math.min(last, counted + ROWS_COUNTED_AT_ONCE_MAX);
        for (const row of count(counted, until)) counts.set(row.key, (counts.get(row.key) ?? 0) + row.count);
        counted = until;
        if (counted < last) await nextTurn();
      }
    },
  };
}

function factTally(db: Database) {
  const tally = createTally((after, until) => {
    const rows = db.rows(
      `SELECT type, ${DETAIL} AS detail, count(*) AS count FROM facts WHERE position > ? AND position <= ? GROUP BY 1, 2`,
      after,
      until,
    ) as readonly { type: string; detail: string; count: number }[];
    return rows.map(({ type, detail, count }) => ({ key: `${type}\n${detail}`, count }));
  });
  return async (): Promise<readonly FactFigure[]> => {
    await tally.countUntil(positionOf(db.row("SELECT max(position) AS position FROM facts")));
    return [...tally.counts].map(([key, count]) => {
      const [type = "", detail = ""] = key.split("\n", 2);
      return { type: type as FactType, detail, count };
    });
  };
}

function deliveryTally(db: Database) {
  const read = (after: number, until: number) =>
    db.rows(
      `SELECT coalesce(outcome, 'pending') AS key, count(*) AS count FROM receipts
       WHERE position > ? AND position <= ? GROUP BY 1`,
      after,
      until,
    ) as readonly { key: Outcome; count: number }[];
  const settled = createTally(read);
  return async (): Promise<StoreFigures["deliveries"]> => {
    const last = positionOf(db.row("SELECT max(position) AS position FROM receipts"));
    const firstPending = db.row(
      "SELECT position FROM receipts WHERE outcome IS NULL ORDER BY position LIMIT 1",
    );
    // A settled receipt stays as it is, so all before the first pending one are counted for good.
    await settled.countUntil(firstPending === undefined ? last : positionOf(firstPending) - 1);
    const counts = new Map(settled.counts);
    for (const { key, count } of read(settled.counted(), last))
      counts.set(key, (counts.get(key) ?? 0) + count);
    return [...counts].map(([outcome, count]) => ({ outcome: outcome as Outcome, count }));
  };
}

/** Figures of ledger, outbox, receipts and dead letters that live in this database; their adapters make the tables. */
export function createFigures(db: Database): Figures {
  const facts = factTally(db);
  const deliveries = deliveryTally(db);
  const read = async (): Promise<StoreFigures> => {
    const outbox = db.row(
      `SELECT count(*) AS pending, (SELECT since FROM outbox WHERE published IS NULL ORDER BY position LIMIT 1) AS oldest
       FROM outbox WHERE published IS NULL`,
    ) as { pending: number; oldest: string | null };
    const timers = db.row(
      "SELECT count(*) AS waiting, min(due) AS earliest FROM timers WHERE fired IS NULL",
    ) as {
      waiting: number;
      earliest: string | null;
    };
    return {
      facts: await facts(),
      deliveries: await deliveries(),
      outbox: { pending: outbox.pending, oldest: outbox.oldest ?? undefined },
      timers: { waiting: timers.waiting, earliest: timers.earliest ?? undefined },
      deadLetters: db.rows(
        "SELECT service, count(*) AS count FROM dead_letters GROUP BY service ORDER BY service",
      ) as StoreFigures["deadLetters"],
    };
  };
  let reading: Promise<StoreFigures> | undefined;
  return {
    // Readers at the same time share one reading: two that count the same rows would count them twice.
    read: () => (reading ??= read().finally(() => (reading = undefined))),
  };
}
