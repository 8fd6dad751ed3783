// A rebuild beside its projection on the official Firestore emulator.
import { createLedger } from "../../../shared/adapters/google/ledger.ts";
import { createViews } from "../../../shared/adapters/google/views.ts";
import { itRebuildsLive } from "../../contracts/rebuild-live.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itRebuildsLive("Firestore", async () => {
    const { store, reopen } = fresh();
    return {
      ledger: createLedger(store),
      views: createViews(store),
      reopen: () => createViews(reopen().store),
    };
  });
});
