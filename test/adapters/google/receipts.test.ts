// The receipts of deliveries on the official Firestore emulator.
import { expect, test } from "vitest";
import { createReceipts } from "../../../shared/adapters/google/receipts.ts";
import { itBehavesLikeReceipts } from "../../contracts/receipts.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itBehavesLikeReceipts("Firestore receipts", async () => {
    const { store, reopen } = fresh();
    return { receipts: createReceipts(store), reopen: async () => createReceipts(reopen().store) };
  });

  const TIME = "2026-01-02T03:04:05.678Z";
  const receipt = {
    guid: "g1",
    event: "push",
    bodyHash: "sha256:1",
    body: new Uint8Array(),
    receivedAt: TIME,
  };

  test("a delivery that was stored here is settled without a look", async () => {
    const { store } = fresh();
    const receipts = createReceipts(store);
    await receipts.put(receipt);
    const before = store.counts.reads;
    await receipts.settle("g1", { outcome: "accepted", reason: "", time: TIME });
    expect(store.counts.reads).toBe(before);
    expect(await receipts.pending(10)).toEqual([]);
  });

  test("what another process has settled meanwhile stays as it said", async () => {
    const { store, reopen } = fresh();
    const [here, there] = [createReceipts(store), createReceipts(reopen().store)];
    await here.put(receipt);
    await there.settle("g1", { outcome: "ignored", reason: "first", time: TIME });
    await here.settle("g1", { outcome: "accepted", reason: "second", time: TIME });
    expect(await here.list(1)).toMatchObject([{ outcome: { outcome: "ignored", reason: "first" } }]);
  });
});
