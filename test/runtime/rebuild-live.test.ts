// A rebuild beside its projection, on one machine's stores.
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import type { Views } from "../../shared/ports/views.ts";
import { createProjector, type Projection } from "../../shared/runtime/project.ts";
import { rebuildLive } from "../../shared/runtime/rebuild-live.ts";
import { itRebuildsLive } from "../contracts/rebuild-live.ts";
import { batchOf, planStarted } from "../support/facts.ts";

function stored() {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  return { ledger: createLedger(db), views: createViews(db), reopen: () => createViews(db) };
}

itRebuildsLive("one machine", async () => stored());

const seenLast: Projection = {
  name: "last",
  types: ["plan.started"],
  apply: async (fact) => [{ collection: "last", key: fact.subject, document: { version: fact.version } }],
};

async function differing() {
  const { ledger, views } = stored();
  const { facts } = batchOf("stacks/a", 0, "c1", [planStarted("1")]);
  await ledger.append(batchOf("stacks/a", 0, "c1", [planStarted("1")]));
  for (const fact of facts) await createProjector({ ledger, views }, [seenLast]).handle(fact);
  const wrong = { collection: "last", key: "stacks/a", document: { version: 0 } };
  const spoil = async () => {
    const expected = await views.seen("hand", "hand");
    await views.commit({ projection: "hand", stream: "hand", expected, seen: expected + 1, puts: [wrong] });
  };
  await spoil();
  return { ledger, views, spoil };
}

test("a rebuild that another process undoes each time says so, and does not go on for ever", async () => {
  const { ledger, views, spoil } = await differing();
  const undone: Views = {
    ...views,
    async get(collection, key) {
      await spoil();
      return views.get(collection, key);
    },
  };
  const clock = { sleep: async () => undefined };
  await expect(rebuildLive({ ledger, views: undone, clock }, seenLast)).rejects.toMatchObject({
    code: "ABORTED",
    reason: "VIEW_CONTENDED",
  });
});

test("a commit that was under way while a document was replaced is found by the look after all such have ended", async () => {
  const { ledger, views, spoil } = await differing();
  let waits = 0;
  const clock = {
    async sleep(ms: number) {
      waits += 1;
      // It ends late, and puts back what was there.
      if (waits === 1) await spoil();
      expect(ms).toBeGreaterThan(10_000);
    },
  };
  expect(await rebuildLive({ ledger, views, clock }, seenLast)).toMatchObject({ replaced: 2 });
  expect(await views.get("last", "stacks/a")).toEqual({ version: 1 });
});

test("a defect of a projection ends its rebuild", async () => {
  const { ledger, views } = await differing();
  const broken: Projection = { ...seenLast, apply: () => Promise.reject(new TypeError("defect")) };
  const clock = { sleep: async () => undefined };
  await expect(rebuildLive({ ledger, views, clock }, broken)).rejects.toThrow("defect");
});
