// An emulator's first answer may take longer than a call may, on a machine that is busy with other tests.
import { openStore } from "../../../shared/adapters/google/firestore.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";

/** How long Firestore's emulator is waited for. */
export const FIRST_ANSWER_MS = 60_000;

/** Resolves when Firestore's emulator at this address has answered; whoever asks it after that need not be patient. */
export async function firestoreAnswers(host: string): Promise<void> {
  const store = openStore({ project: "first", emulator: host }, systemClock, FIRST_ANSWER_MS);
  try {
    await store.get("Asking first", store.db.collection("first").doc("first"));
  } finally {
    await store.close();
  }
}
