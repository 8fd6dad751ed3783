// The dead letters on the official Firestore emulator.
import { createDeadLetters } from "../../../shared/adapters/google/dead-letters.ts";
import { itBehavesLikeDeadLetters } from "../../contracts/dead-letters.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itBehavesLikeDeadLetters("Firestore dead-letters", async () => {
    const { store, reopen } = fresh();
    return { deadLetters: createDeadLetters(store), reopen: async () => createDeadLetters(reopen().store) };
  });
});
