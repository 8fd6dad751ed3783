// Everything that lies in `ledger.db`: facts, causes, outbox, timers, views, receipts, dead letters and notifications.
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createFigures } from "../../shared/adapters/local/figures.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createNotifications } from "../../shared/adapters/local/notifications.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import type { StateFolder } from "./state-folder.ts";

/** Opens the database and what is in it; whoever called closes `db`. */
export function openLedger(state: StateFolder) {
  const db = openDatabase(state.path("ledger.db"));
  return {
    db,
    ledger: createLedger(db),
    outbox: createOutbox(db),
    views: createViews(db),
    receipts: createReceipts(db),
    deadLetters: createDeadLetters(db),
    figures: createFigures(db),
    notifications: createNotifications(db),
  };
}
