// The delivery log on SQLite.
import { createNotifications } from "../../shared/adapters/local/notifications.ts";
import { itBehavesLikeNotifications } from "../contracts/notifications.ts";
import { onDatabaseFile } from "../support/database-file.ts";

itBehavesLikeNotifications("the SQLite notifications", async () => {
  const { adapter, reopen } = onDatabaseFile(createNotifications);
  return { notifications: adapter, reopen };
});
