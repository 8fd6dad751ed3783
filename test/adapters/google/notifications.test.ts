// The delivery log of notifications on the official Firestore emulator.
import { createNotifications } from "../../../shared/adapters/google/notifications.ts";
import { itBehavesLikeNotifications } from "../../contracts/notifications.ts";
import { withFirestore } from "../../support/google/firestore-fixture.ts";

withFirestore((fresh) => {
  itBehavesLikeNotifications("Firestore notifications", async () => {
    const { store, reopen } = fresh();
    return {
      notifications: createNotifications(store),
      reopen: async () => createNotifications(reopen().store),
    };
  });
});
