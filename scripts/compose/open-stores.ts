// What the services share: ledger, outbox, views, receipts, letters and the log of notifications, in the world that was chosen.
import type { Database } from "../../shared/adapters/local/database.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Bus } from "../../shared/ports/bus.ts";
import type { DeadLetters } from "../../shared/ports/dead-letters.ts";
import type { Figures } from "../../shared/ports/figures.ts";
import type { Grants } from "../../shared/ports/grants.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import type { Notifications } from "../../shared/ports/notifications.ts";
import type { Outbox } from "../../shared/ports/outbox.ts";
import type { Receipts } from "../../shared/ports/receipts.ts";
import type { Views } from "../../shared/ports/views.ts";
import { createGrants } from "../../shared/adapters/local/grants.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { PushGuard } from "../../shared/runtime/push-guard.ts";
import { openLedger } from "./open-ledger.ts";
import type { StateFolder } from "./state-folder.ts";
import type { World } from "./world.ts";

/** The shared stores of one process. */
export interface Stores {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly views: Views;
  readonly receipts: Receipts;
  readonly deadLetters: DeadLetters;
  readonly figures: Figures;
  readonly notifications: Notifications;
  readonly grants: Grants;
  /** Told of every fact that was recorded. */
  announce(facts: readonly AnyFact[]): Promise<void>;
  /** Undefined on one machine: there the relay names its subscribers. */
  readonly bus: Bus | undefined;
  /** Who may push to this process, or the token for it. */
  readonly door: string | PushGuard;
  /** The one subscription that may push here, where there is one. */
  readonly subscription: string | undefined;
  /** For what runs on this machine whatever the world, such as the engine's executions. */
  readonly db: Database;
  close(): Promise<void>;
}

/** Opens them. Google's libraries are loaded only in their own world. */
export async function openStores(world: World, state: StateFolder, log: Log): Promise<Stores> {
  if (world.kind === "google-cloud") {
    const { openGoogleStores } = await import("./open-google.ts");
    const db = openDatabase(state.path("local.db"));
    const stores = await openGoogleStores(world, log);
    return {
      ...stores,
      db,
      async close() {
        await stores.close();
        db.close();
      },
    };
  }
  const stored = openLedger(state);
  return {
    ...stored,
    grants: createGrants(state.path("sessions")),
    // The outbox holds the facts already; the relay finds them there.
    announce: async () => {},
    bus: undefined,
    door: world.pushToken,
    subscription: undefined,
    close: async () => stored.db.close(),
  };
}
