// What may go wrong with Firestore: typed, of the right class, nothing half written.
import { expect, onTestFinished, test } from "vitest";
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createOutbox } from "../../../shared/adapters/google/outbox.ts";
import { createViews } from "../../../shared/adapters/google/views.ts";
import { openStore, type Store } from "../../../shared/adapters/google/firestore.ts";
import { changeDocument } from "../../../shared/adapters/google/firestore-change.ts";
import { requireKnownSchema } from "../../../shared/adapters/google/firestore-schema.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { createLog } from "../../../shared/runtime/log.ts";
import { batchOf, planStarted } from "../../support/facts.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

const LATER = "2030-01-01T00:00:00.000Z";

/** The store, whose next commit fails with this gRPC code: before it happened, or after. */
function failing(store: Store, code: number, when: "before" | "after"): Store {
  let armed = true;
  return {
    ...store,
    commit(doing, fill) {
      if (!armed) return store.commit(doing, fill);
      armed = false;
      return store.commit(doing, (batch) => {
        fill(batch);
        const real = batch.commit.bind(batch);
        batch.commit = async () => {
          if (when === "after") await real();
          throw Object.assign(new Error("a fault of the test"), { code });
        };
      });
    },
  };
}

withFirestore((fresh) => {
  test.each([
    [4, "DEADLINE_EXCEEDED", true],
    [14, "UNAVAILABLE", true],
    [8, "RESOURCE_EXHAUSTED", true],
    [7, "PERMISSION_DENIED", false],
    [5, "NOT_FOUND", false],
  ] as const)("a commit that fails with %i is %s, and nothing is written", async (code, ours, again) => {
    const { store } = fresh();
    const error: unknown = await createLedger(failing(store, code, "before"))
      .append(batchOf("stacks/a", 0, "c", [planStarted("b")]))
      .catch((thrown: unknown) => thrown);
    expect([error, isTransient(error)]).toMatchObject([{ code: ours }, again]);
    expect((await createLedger(store).read("stacks/a")).version).toBe(0);
    expect(await createOutbox(store).pending(LATER, 1)).toEqual([]);
  });

  test("a commit whose reply is lost is unavailable, and the same append again is decided", async () => {
    const { store } = fresh();
    const ledger = createLedger(failing(store, 14, "after"));
    const batch = batchOf("stacks/a", 0, "c", [planStarted("b")]);
    await expect(ledger.append(batch)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await ledger.append(batch)).toBe("decided");
    expect((await ledger.read("stacks/a")).facts).toEqual(batch.facts);
  });

  test.each(["changed", "removed", "made"] as const)(
    "a document that was %s since it was read is read again, and nobody's work is lost",
    async (what) => {
      const { store } = fresh();
      const document = store.db.collection("counted").doc("d");
      if (what !== "made") await document.set({ count: 1 });
      const other = { changed: { count: 10 }, made: { count: 20 }, removed: undefined }[what];
      let overtaken = false;
      const late: Store = {
        ...store,
        async commit(doing, fill) {
          if (!overtaken) await (other === undefined ? document.delete() : document.set(other));
          overtaken = true;
          return store.commit(doing, fill);
        },
      };
      const found: (number | undefined)[] = [];
      await changeDocument<{ readonly count: number }>(late, "Counting", document, (read) => {
        found.push(read?.count);
        return { count: (read?.count ?? 0) + 1 };
      });
      expect(found).toEqual([what === "made" ? undefined : 1, other?.count]);
      expect((await document.get()).data()).toEqual({ count: (other?.count ?? 0) + 1 });
    },
  );

  test("a view whose reply is lost is stale for whoever tries again, and seen", async () => {
    const { store } = fresh();
    const views = createViews(failing(store, 14, "after"));
    const change = { projection: "p", stream: "s", expected: 0, seen: 1, puts: [] };
    await expect(views.commit(change)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await views.commit(change)).toBe("stale");
    expect(await views.seen("p", "s")).toBe(1);
  });

  test.each([
    ["a document beyond 1 MiB", "stacks/a", "c", "x".repeat(1_100_000), "DOCUMENT_TOO_LARGE"],
    ["half of a character in a stream", "stacks/\ud800", "c", "b", "TEXT_NOT_UNICODE"],
    ["half of a character in a cause", "stacks/a", "\udfff", "b", "TEXT_NOT_UNICODE"],
    ["a name beyond what an id holds", `stacks/${"a".repeat(1_500)}`, "c", "b", "KEY_TOO_LONG"],
  ])("%s is refused before anything is sent", async (_what, stream, cause, build, reason) => {
    const { store } = fresh();
    const error: unknown = await createLedger(store)
      .append(batchOf(stream, 0, cause, [planStarted(build)]))
      .catch((thrown: unknown) => thrown);
    expect([error, isTransient(error)]).toMatchObject([{ code: "INVALID_ARGUMENT", reason }, false]);
    expect(store.counts.writes).toBe(0);
  });

  test("an append costs one write each for fact, cause and outbox row, and no read", async () => {
    const { store } = fresh();
    const ledger = createLedger(store);
    await ledger.append(batchOf("stacks/a", 0, "c", [planStarted("b")]));
    expect(store.counts).toMatchObject({ reads: 0, writes: 3 });
  });

  test("a database of a newer program is refused, and our own number is written once", async () => {
    const { store } = fresh();
    const log = createLog("test", { write: () => true });
    await requireKnownSchema(store, log, 1);
    await requireKnownSchema(store, log, 2);
    await expect(requireKnownSchema(store, log, 1)).rejects.toMatchObject({ reason: "SCHEMA_NEWER" });
  });

  test("a database that nobody answers for is a missed deadline, in its time", async () => {
    const store = openStore({ project: "p", emulator: "127.0.0.1:1" }, systemClock, 300);
    onTestFinished(() => store.close());
    await expect(createLedger(store).read("stacks/a")).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });
});
