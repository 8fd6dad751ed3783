// Hears what is recorded, by a listener of Firestore: one a process, however many follow, and none while nobody does.
import type { Clock } from "../../ports/clock.ts";
import type { LedgerEar } from "../../ports/ledger.ts";
import { backoffMs } from "../../runtime/backoff.ts";
import type { Log } from "../../runtime/log.ts";
import type { Store } from "./firestore.ts";
import { LEDGER_COLLECTIONS } from "./ledger-documents.ts";

/** Newest facts that are listened to. More than one: commits that cross arrive with times that are not the newest. */
export const FACTS_HEARD_MAX = 10;

/** What listening needs. */
export interface LedgerEarPorts {
  readonly store: Pick<Store, "db" | "listen">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Ears over one listener. When it ends with an error, ears hear nothing until it was begun again, after a pause that grows. */
export function createLedgerEars({ store, clock, log }: LedgerEarPorts): () => LedgerEar {
  const query = store.db.collection(LEDGER_COLLECTIONS.slots).orderBy("at", "desc").limit(FACTS_HEARD_MAX);
  const waiting = new Set<() => void>();
  const state = { ears: 0, heard: 0, failures: 0, isHearing: false };
  let stop: (() => void) | undefined;
  let pause: AbortController | undefined;

  const tell = (): void => {
    state.heard += 1;
    for (const wake of waiting) wake();
  };
  const begin = (): void => {
    const onChange = (): void => {
      state.isHearing = true;
      state.failures = 0;
      tell();
    };
    stop = store.listen("Listening for facts", query, onChange, (error) => {
      state.isHearing = false;
      state.failures += 1;
      stop = undefined;
      log.warn(
        { error, failures: state.failures },
        "Facts cannot be heard now; the ledger is asked instead.",
      );
      tell();
      void beginAgain();
    });
  };
  const beginAgain = async (): Promise<void> => {
    const mine = (pause = new AbortController());
    await clock.sleep(backoffMs(state.failures), mine.signal);
    if (!mine.signal.aborted) begin();
  };
  const end = (): void => {
    pause?.abort();
    stop?.();
    stop = undefined;
    state.isHearing = false;
  };

  return () => {
    state.ears += 1;
    if (state.ears === 1) begin();
    let isOpen = true;
    return {
      heard: () => state.heard,
      isHearing: () => state.isHearing,
      async wait(heard, ms, signal) {
        if (state.heard !== heard) return;
        const woken = new AbortController();
        const wake = (): void => woken.abort();
        waiting.add(wake);
        await clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
        waiting.delete(wake);
      },
      close() {
        if (!isOpen) return;
        isOpen = false;
        state.ears -= 1;
        if (state.ears === 0) end();
      },
    };
  };
}
