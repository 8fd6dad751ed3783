// A rebuild beside its projection, tried on every adapter of ledger and views: the documents become what the facts say.
import { describe, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import type { ViewPut, Views } from "../../shared/ports/views.ts";
import { createProjector, type Projection } from "../../shared/runtime/project.ts";
import { type LiveRebuildPorts, rebuildLive } from "../../shared/runtime/rebuild-live.ts";
import { batchOf, planStarted } from "../support/facts.ts";

const COLLECTIONS = ["plans", "totals"];

/** A document of each stream, which goes with the build "gone", and one that all streams write: neither may take a fact twice. */
const counts: Projection = {
  name: "counts",
  types: ["plan.started"],
  async apply(fact, read) {
    const { build } = fact.data as { build: string };
    const total = Number((await read("totals", "all"))?.["builds"] ?? 0);
    const known = ((await read("plans", fact.subject))?.["builds"] ?? []) as readonly string[];
    const document = build === "gone" ? null : { builds: [...known, build] };
    return [
      { collection: "totals", key: "all", document: { builds: total + 1 } },
      { collection: "plans", key: fact.subject, document },
    ];
  },
};

/** What a rebuild stands on. */
export interface Stored {
  readonly ledger: Ledger;
  readonly views: Views;
  /** The same views as another process has them. */
  readonly reopen: () => Views;
}

const dump = (views: Views) =>
  Promise.all(COLLECTIONS.map((collection) => views.list({ collection, limit: 500 })));

/** What a projection would have made of all facts. */
async function truth(ledger: Ledger) {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const views = createViews(db);
  await createProjector({ ledger, views }, [counts]).rebuild();
  return dump(views);
}

async function grown({ ledger, views, reopen }: Stored, streams = 3) {
  const projector = createProjector({ ledger, views: reopen() }, [counts]);
  let causes = 0;
  const append = async (subject: string, ...builds: readonly string[]): Promise<readonly AnyFact[]> => {
    causes += 1;
    const { version } = await ledger.read(subject);
    const batch = batchOf(subject, version, `c${causes}`, builds.map(planStarted));
    await ledger.append(builds.length > 0 ? batch : { ...batch, ignored: "nothing" });
    return batch.facts;
  };
  const live = async (subject: string, ...builds: readonly string[]): Promise<void> => {
    for (const fact of await append(subject, ...builds)) await projector.handle(fact);
  };
  for (let stream = 0; stream < streams; stream++) await live(`stacks/s${stream}`, "1", "2");
  await live("stacks/gone", "1", "gone");
  let strays = 0;
  /** As a defect or a hand would. */
  const spoil = async (...puts: readonly ViewPut[]): Promise<void> => {
    strays += 1;
    await views.commit({ projection: "hand", stream: "hand", expected: strays - 1, seen: strays, puts });
  };
  return { append, live, spoil };
}

const plan = (key: string, document: ViewPut["document"]): ViewPut => ({
  collection: "plans",
  key,
  document,
});
const STRAY = plan("stacks/stray", { builds: ["?"] });

/** Tries it on one pair of adapters. */
export function itRebuildsLive(name: string, create: () => Promise<Stored>): void {
  const clock = { sleep: async () => undefined };
  const ports = ({ ledger, reopen }: Stored): LiveRebuildPorts => ({ ledger, views: reopen(), clock });

  describe(`a rebuild on ${name}`, () => {
    test("writes nothing where every document is as the facts say", async () => {
      const stored = await create();
      const { live } = await grown(stored);
      await live("stacks/s1");
      const views: Views = { ...stored.reopen(), commit: () => Promise.reject(new Error("a write")) };
      expect(await rebuildLive({ ...ports(stored), views }, counts)).toEqual({
        projection: "counts",
        facts: 8,
        documents: 4,
        caughtUp: 0,
        replaced: 0,
      });
    });

    test("mends what was changed, takes away what no fact explains, and applies what was missed, once", async () => {
      const stored = await create();
      const { append, live, spoil } = await grown(stored, 30);
      await spoil(STRAY, plan("stacks/gone", { builds: ["1"] }), plan("stacks/s1", null));
      await spoil(...Array.from({ length: 25 }, (_, at) => plan(`stacks/s${at + 2}`, { builds: [] })));
      await append("stacks/s0", "3");
      await append("stacks/new", "1", "2");
      const done = await rebuildLive(ports(stored), counts);
      expect(done).toMatchObject({ caughtUp: 2, replaced: 28 });
      expect(await dump(stored.views)).toEqual(await truth(stored.ledger));
      await live("stacks/s0", "4");
      await live("stacks/stray", "1");
      expect(await dump(stored.views)).toEqual(await truth(stored.ledger));
    });

    test("takes back a version that was seen and is not there, so that facts to come are not skipped", async () => {
      const stored = await create();
      const { live } = await grown(stored);
      await stored.views.commit({
        projection: "counts",
        stream: "stacks/s0",
        expected: 2,
        seen: 9,
        puts: [],
      });
      await rebuildLive(ports(stored), counts);
      await live("stacks/s0", "3");
      expect(await dump(stored.views)).toEqual(await truth(stored.ledger));
    });

    test("loses no fact that the projection applies in the middle of it", async () => {
      const stored = await create();
      const { live, spoil } = await grown(stored);
      const wrong = { collection: "totals", key: "all", document: { builds: -100 } };
      await spoil(STRAY, wrong, plan("stacks/s0", { builds: ["wrong"] }), plan("stacks/s1", null));
      let facts = 0;
      /** A fact between each look of the rebuild and what it writes upon it, also of streams that do not guard what it writes. */
      const between = async (): Promise<void> => {
        facts += 1;
        if (facts <= 12) await live(`stacks/s${facts % 4}`, `live ${facts}`);
      };
      const views = stored.reopen();
      const slow: Views = {
        ...views,
        async commit(change) {
          await between();
          return views.commit(change);
        },
        async get(collection, key) {
          const found = await views.get(collection, key);
          await between();
          return found;
        },
      };
      await rebuildLive({ ...ports(stored), views: slow, clock: { sleep: between } }, counts);
      expect(facts).toBeGreaterThan(12);
      expect(await dump(stored.views)).toEqual(await truth(stored.ledger));
    });

    test("that was cut off is begun again, and comes to the same", async () => {
      const stored = await create();
      const { spoil, append } = await grown(stored);
      await spoil(STRAY, plan("stacks/s0", { builds: ["wrong"] }), plan("stacks/s1", null));
      await append("stacks/s2", "3");
      const gone = new ControlPlaneError("UNAVAILABLE", "The database went away.", { reason: "AWAY" });
      for (let cut = 0; cut < 4; cut++) {
        let commits = 0;
        const views = stored.reopen();
        const cutting: Views = {
          ...views,
          commit: (change) => (commits++ === cut ? Promise.reject(gone) : views.commit(change)),
        };
        const end = rebuildLive({ ...ports(stored), views: cutting }, counts).then(
          () => "done",
          () => "cut",
        );
        expect(["done", "cut"]).toContain(await end);
      }
      await rebuildLive(ports(stored), counts);
      expect(await dump(stored.views)).toEqual(await truth(stored.ledger));
    });
  });
}
