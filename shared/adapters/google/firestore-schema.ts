// The number of the way in which documents are written. A program that knows less than the database would misread it.
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";
import type { Log } from "../../runtime/log.ts";
import { changeDocument } from "./firestore-change.ts";
import type { Store } from "./firestore.ts";

/** Grows with every change of documents that an older program cannot read. */
export const FIRESTORE_SCHEMA = 1;

/**
 * Refuses a database of a newer program (FAILED_PRECONDITION `SCHEMA_NEWER`), and writes its own number otherwise. A database that
 * does not answer now is no reason not to start: it would keep every process down that could wait for it.
 */
export async function requireKnownSchema(
  store: Store,
  log: Log,
  known: number = FIRESTORE_SCHEMA,
): Promise<void> {
  try {
    await changeDocument<{ readonly version: number }>(
      store,
      "Reading the schema",
      store.db.collection("meta").doc("schema"),
      (found) => {
        if (found !== undefined && found.version > known) {
          throw failedPrecondition(
            "SCHEMA_NEWER",
            `The database was written by a newer program (schema ${found.version}, this one knows ${known}). Deploy that program again.`,
            { schema: String(found.version), known: String(known) },
          );
        }
        return found?.version === known ? undefined : { version: known };
      },
    );
  } catch (error) {
    if (error instanceof ControlPlaneError && error.reason === "SCHEMA_NEWER") throw error;
    log.warn({ error }, "The schema of the database could not be read; the service starts all the same.");
  }
}
