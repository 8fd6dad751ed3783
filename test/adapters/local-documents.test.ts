// Views, receipts and dead letters on SQLite.
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import { itBehavesLikeDeadLetters } from "../contracts/dead-letters.ts";
import { itBehavesLikeReceipts } from "../contracts/receipts.ts";
import { itBehavesLikeViews } from "../contracts/views.ts";
import { onDatabaseFile } from "../support/database-file.ts";

itBehavesLikeViews("the SQLite views", async () => {
  const { adapter, reopen } = onDatabaseFile(createViews);
  return { views: adapter, reopen };
});

itBehavesLikeReceipts("the SQLite receipts", async () => {
  const { adapter, reopen } = onDatabaseFile(createReceipts);
  return { receipts: adapter, reopen };
});

itBehavesLikeDeadLetters("the SQLite dead letters", async () => {
  const { adapter, reopen } = onDatabaseFile(createDeadLetters);
  return { deadLetters: adapter, reopen };
});
