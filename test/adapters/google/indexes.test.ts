// terraform/firestore-indexes.yaml against the queries that the adapters make. The emulator answers every query without an index, and
// Firestore refuses one whose index is missing: so the queries themselves are looked at, as the client would send them.
import { Firestore, type DocumentReference, type Query } from "@google-cloud/firestore";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { createDeadLetters } from "../../../shared/adapters/google/dead-letters.ts";
import { createFigures } from "../../../shared/adapters/google/figures.ts";
import type { Store } from "../../../shared/adapters/google/firestore.ts";
import { createGrants } from "../../../shared/adapters/google/grants.ts";
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createLedgerEars } from "../../../shared/adapters/google/ledger-ear.ts";
import { createNotifications } from "../../../shared/adapters/google/notifications.ts";
import { createOutbox } from "../../../shared/adapters/google/outbox.ts";
import { createReceipts } from "../../../shared/adapters/google/receipts.ts";
import { createViews } from "../../../shared/adapters/google/views.ts";
import { FACTS, type FactType } from "../../../shared/domain/facts.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { readSource, sourceFiles } from "../../support/source-files.ts";
import { createLogBook } from "../../support/world.ts";

interface Filter {
  readonly fieldFilter?: { readonly field: { readonly fieldPath: string }; readonly op: string };
  readonly compositeFilter?: { readonly filters: readonly Filter[] };
}
interface StructuredQuery {
  readonly from: readonly [{ readonly collectionId: string }];
  readonly where?: Filter;
  readonly orderBy?: readonly {
    readonly field: { readonly fieldPath: string };
    readonly direction: string;
  }[];
}
interface Field {
  readonly path: string;
  readonly order?: string;
  readonly array?: string;
}
interface Index {
  readonly collection: string;
  readonly fields: readonly Field[];
}
interface Recorded {
  readonly doing: string;
  readonly query: StructuredQuery;
}

const NAME = "__name__";
/** Filters by which an index is entered at one place; the others run along it. */
const ENTERING = new Set(["EQUAL", "IN", "ARRAY_CONTAINS"]);

const file = parse(readSource("terraform/firestore-indexes.yaml")) as {
  readonly indexes: readonly Index[];
  readonly unindexed: readonly { readonly collection: string; readonly field: string }[];
  readonly ttl: readonly { readonly collection: string; readonly field: string }[];
};

/** A query as the client sends it. */
const sent = (query: Query): StructuredQuery =>
  (query as unknown as { toProto(): { readonly structuredQuery: StructuredQuery } }).toProto()
    .structuredQuery;

/** A database that finds nothing, and what it was asked. */
function recorder() {
  const recorded: Recorded[] = [];
  const record = (doing: string, query: Query): void => {
    recorded.push({ doing, query: sent(query) });
  };
  const nothing = (ref: DocumentReference) =>
    ({ exists: false, ref, data: () => undefined, get: () => undefined }) as never;
  const store: Store = {
    db: new Firestore({ projectId: "p" }),
    counts: { reads: 0, writes: 0, deletes: 0 },
    get: async (_doing, document) => nothing(document),
    getAll: async (_doing, documents) => documents.map(nothing),
    query: async (doing, query) => {
      record(doing, query);
      return [];
    },
    count: async (doing, query) => {
      record(doing, query);
      return 0;
    },
    commit: async () => [],
    listen: (doing, query) => {
      record(doing, query);
      return () => undefined;
    },
    close: async () => undefined,
  };
  return { store, recorded };
}

/** Asks every adapter everything that it asks Firestore in a query. */
async function askEverything(): Promise<readonly Recorded[]> {
  const { store, recorded } = recorder();
  const now = "2026-01-02T03:04:05.000Z";
  const ledger = createLedger(store);
  const [one] = Object.keys(FACTS) as [FactType];
  for (const order of ["newest-first", "oldest-first"] as const)
    for (const subject of [undefined, "stacks/web", "stacks/"])
      for (const types of [undefined, [one], Object.keys(FACTS) as FactType[]])
        await ledger.list({
          limit: 10,
          order,
          ...(subject === undefined ? {} : { subject }),
          ...(types === undefined ? {} : { types }),
        });
  await ledger.read("stacks/web");
  await ledger.read("stacks/web", 3);
  const outbox = createOutbox(store);
  await outbox.pending(now, 10);
  await outbox.timersDue(now, 10);
  const receipts = createReceipts(store);
  await receipts.pending(10);
  await receipts.list(10);
  const letters = createDeadLetters(store);
  await letters.list(10);
  await letters.list(10, { state: "waiting" });
  const notifications = createNotifications(store);
  await notifications.due(now, 10);
  await notifications.list({ limit: 10 });
  const views = createViews(store);
  for (const order of ["ascending", "descending"] as const)
    await views.list({ collection: "plans", prefix: "a", after: "ab", limit: 10, order });
  createLedgerEars({ store, clock: createVirtualClock(), log: createLogBook() })().close();
  await createGrants(store).list();
  await createFigures(store).read();
  return recorded;
}

const recorded = await askEverything();

function filtersOf(where: Filter | undefined): readonly NonNullable<Filter["fieldFilter"]>[] {
  if (where?.fieldFilter !== undefined) return [where.fieldFilter];
  return (where?.compositeFilter?.filters ?? []).flatMap(filtersOf);
}

/** The composite index that a query needs; undefined when the indexes of single fields are enough. */
function neededBy({ query }: Recorded): Index | undefined {
  const collection = query.from[0].collectionId;
  const filters = filtersOf(query.where);
  const entering = filters.filter(({ op }) => ENTERING.has(op));
  const entered = new Set(entering.map(({ field }) => field.fieldPath));
  const along: Field[] = (query.orderBy ?? [])
    .map(({ field, direction }) => ({ path: field.fieldPath, order: direction }))
    .filter(({ path }) => !entered.has(path));
  for (const { op, field } of filters)
    if (!ENTERING.has(op) && !along.some(({ path }) => path === field.fieldPath))
      along.push({ path: field.fieldPath, order: along.at(-1)?.order ?? "ASCENDING" });
  // The name comes last by itself. Alone it is indexed upwards only.
  const [only] = along;
  if (along.length === 1 && only?.path === NAME)
    return only.order === "ASCENDING" ? undefined : { collection, fields: along };
  const fields = along.filter(({ path }) => path !== NAME);
  if (fields.length === 0 || fields.length + entered.size === 1) return undefined;
  const first = entering.map(({ op, field }) =>
    op === "ARRAY_CONTAINS"
      ? { path: field.fieldPath, array: "CONTAINS" }
      : { path: field.fieldPath, order: "ASCENDING" },
  );
  return { collection, fields: [...first, ...fields] };
}

const text = ({ collection, fields }: Index): string =>
  `${collection}: ${fields.map(({ path, order, array }) => `${path} ${order ?? array}`).join(", ")}`;

describe("the indexes that Terraform creates", () => {
  test("are held against every query of the adapters", () => {
    const asked = new Set(recorded.map(({ doing }) => doing));
    const places = sourceFiles(".ts")
      .filter((path) => path.startsWith("shared/adapters/google/"))
      .flatMap((path) => [
        ...readSource(path).matchAll(/store\s*\.(?:query|count|listen)\(\s*["`]([^"`$]+)/g),
      ])
      .map(([, doing = ""]) => doing);
    expect(places.length).toBeGreaterThanOrEqual(15);
    expect(places.filter((place) => ![...asked].some((doing) => doing.startsWith(place)))).toEqual([]);
    expect(recorded.length).toBeGreaterThan(30);
  });

  test("are there for every query that needs one", () => {
    const there = new Set(file.indexes.map(text));
    const missing = recorded.flatMap((each) => {
      const needed = neededBy(each);
      return needed === undefined || there.has(text(needed)) ? [] : [`${each.doing}: ${text(needed)}`];
    });
    expect([...new Set(missing)]).toEqual([]);
  });

  test("are each needed by some query", () => {
    const needed = new Set(recorded.flatMap((each) => neededBy(each) ?? []).map(text));
    expect(file.indexes.map(text).filter((index) => !needed.has(index))).toEqual([]);
    expect(new Set(file.indexes.map(text)).size).toBe(file.indexes.length);
  });

  test("are not taken from a field that a query names", () => {
    const named = new Set(
      recorded.flatMap(({ query }) => {
        const paths = [
          ...filtersOf(query.where).map(({ field }) => field.fieldPath),
          ...(query.orderBy ?? []).map(({ field }) => field.fieldPath),
        ];
        return paths.map((path) => `${query.from[0].collectionId}.${path}`);
      }),
    );
    expect(named.size).toBeGreaterThan(10);
    const taken = [...file.unindexed, ...file.ttl].map(({ collection, field }) => `${collection}.${field}`);
    expect(taken.filter((field) => named.has(field))).toEqual([]);
  });

  test("would be missed: a query of another shape finds none", () => {
    const { db } = recorder().store;
    const facts = db.collection("facts");
    const needs = (query: Query): string => {
      const needed = neededBy({ doing: "", query: sent(query) });
      return needed === undefined ? "none" : text(needed);
    };
    const shape = "facts: type ASCENDING, version DESCENDING";
    expect(needs(facts.where("type", "==", "a").orderBy("version", "desc"))).toBe(shape);
    expect(file.indexes.map(text)).not.toContain(shape);
    expect(needs(facts.orderBy(NAME, "desc"))).toBe("facts: __name__ DESCENDING");
    expect(needs(facts.orderBy(NAME))).toBe("none");
    expect(needs(facts.where("stream", "==", "a").where("type", "==", "b"))).toBe("none");
    expect(needs(facts.where("version", ">", 1).orderBy("version"))).toBe("none");
  });
});
