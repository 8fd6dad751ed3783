// The receipts of deliveries on the official Firestore emulator.
import { createReceipts } from "../../../shared/adapters/google/receipts.ts";
import { itBehavesLikeReceipts } from "../../contracts/receipts.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itBehavesLikeReceipts("Firestore receipts", async () => {
    const { store, reopen } = fresh();
    return { receipts: createReceipts(store), reopen: async () => createReceipts(reopen().store) };
  });
});
