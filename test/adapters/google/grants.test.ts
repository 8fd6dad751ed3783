// The grants on the official Firestore emulator.
import { createGrants } from "../../../shared/adapters/google/grants.ts";
import { itBehavesLikeGrants } from "../../contracts/grants.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itBehavesLikeGrants("Firestore grants", async () => {
    const { store, reopen } = fresh();
    return { grants: createGrants(store), reopen: async () => createGrants(reopen().store) };
  });
});
