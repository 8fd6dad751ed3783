// Counts for monitoring in Firestore. Facts are counted once: the tally is kept beside its place in the ledger and goes on from there.
import { type Query, Timestamp } from "@google-cloud/firestore";
import type { FactType } from "../../domain/facts.ts";
import { FACT_DETAILS, type FactFigure, type Figures, type StoreFigures } from "../../ports/figures.ts";
import { changeDocument } from "./firestore-change.ts";
import type { Store } from "./firestore.ts";
import { LEDGER_COLLECTIONS } from "./ledger-documents.ts";
import { listFacts } from "./ledger-list.ts";

/** Facts that one page of counting takes. */
export const FACTS_COUNTED_AT_ONCE_MAX = 500;
/** Pages that one reading counts: a longer backlog is counted by the readings that follow. */
export const COUNTED_PAGES_MAX = 20;

interface Tally {
  /** JSON: key → count. */
  readonly counts: string;
  readonly after: string | null;
}

type Outcome = StoreFigures["deliveries"][number]["outcome"];
const OUTCOMES: readonly Exclude<Outcome, "pending">[] = ["accepted", "ignored", "refused"];
const DETAILS: Readonly<Record<string, string>> = FACT_DETAILS;

const keyOf = (type: FactType, data: object): string => {
  const field = DETAILS[type];
  const detail = field === undefined ? "" : (data as Readonly<Record<string, unknown>>)[field];
  return `${type}\n${typeof detail === "string" ? detail : ""}`;
};

async function countFacts(store: Store): Promise<readonly FactFigure[]> {
  const place = store.db.collection("figures").doc("facts");
  const kept = (await store.get("Reading the figures", place)).data() as Tally | undefined;
  const counts = new Map(Object.entries(JSON.parse(kept?.counts ?? "{}") as Record<string, number>));
  let after = kept?.after ?? undefined;
  for (let pages = 0; pages < COUNTED_PAGES_MAX; pages++) {
    const page = await listFacts(store, {
      limit: FACTS_COUNTED_AT_ONCE_MAX,
      order: "oldest-first",
      ...(after === undefined ? {} : { after }),
    });
    for (const { type, data } of page.facts)
      counts.set(keyOf(type, data), (counts.get(keyOf(type, data)) ?? 0) + 1);
    after = page.cursors.at(-1) ?? after;
    if (page.next === undefined) break;
  }
  // Whoever counted further meanwhile is right: both count the same facts from the same place.
  await changeDocument<Tally>(store, "Keeping the figures", place, (found) =>
    after === undefined || (found?.after ?? "") >= after
      ? undefined
      : { counts: JSON.stringify(Object.fromEntries(counts)), after },
  );
  return [...counts].map(([key, count]) => {
    const [type = "", detail = ""] = key.split("\n", 2);
    return { type: type as FactType, detail, count };
  });
}

async function first(store: Store, query: Query, field: string): Promise<string | undefined> {
  const [found] = await store.query("Reading the figures", query.limit(1));
  const value: unknown = found?.get(field);
  return value instanceof Timestamp ? value.toDate().toISOString() : (value as string | undefined);
}

async function deliveries(store: Store): Promise<StoreFigures["deliveries"]> {
  const receipts = store.db.collection("receipts");
  const counted = await Promise.all([
    ...OUTCOMES.map(async (outcome) => ({
      outcome,
      count: await store.count("Counting deliveries", receipts.where("outcome.outcome", "==", outcome)),
    })),
    store
      .count("Counting deliveries", receipts.where("state", "==", "pending"))
      .then((count) => ({ outcome: "pending" as const, count })),
  ]);
  return counted.filter(({ count }) => count > 0);
}

async function deadLetters(store: Store): Promise<StoreFigures["deadLetters"]> {
  const found = await store.query(
    "Counting dead letters",
    store.db.collection("dead-letters").select("service"),
  );
  const counts = Map.groupBy(found, (each) => String(each.get("service")));
  return [...counts]
    .map(([service, letters]) => ({ service, count: letters.length }))
    .toSorted((one, other) => (one.service < other.service ? -1 : 1));
}

async function read(store: Store): Promise<StoreFigures> {
  const pending = store.db.collection(LEDGER_COLLECTIONS.outbox).where("state", "==", "pending");
  const waiting = store.db.collection(LEDGER_COLLECTIONS.timers).where("state", "==", "waiting");
  return {
    facts: await countFacts(store),
    deliveries: await deliveries(store),
    outbox: {
      pending: await store.count("Counting the outbox", pending),
      oldest: await first(store, pending.orderBy("at"), "since"),
    },
    timers: {
      waiting: await store.count("Counting the timers", waiting),
      earliest: await first(store, waiting.orderBy("due"), "due"),
    },
    deadLetters: await deadLetters(store),
  };
}

/** Figures of what lies in this database. */
export function createFigures(store: Store): Figures {
  let reading: Promise<StoreFigures> | undefined;
  return {
    // Readers at the same time share one reading.
    read: () => (reading ??= read(store).finally(() => (reading = undefined))),
  };
}
