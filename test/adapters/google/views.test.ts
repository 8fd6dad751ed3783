// The read models on the official Firestore emulator.
import { createViews } from "../../../shared/adapters/google/views.ts";
import { itBehavesLikeViews } from "../../contracts/views.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itBehavesLikeViews("Firestore views", async () => {
    const { store, reopen } = fresh();
    return { views: createViews(store), reopen: async () => createViews(reopen().store) };
  });
});
