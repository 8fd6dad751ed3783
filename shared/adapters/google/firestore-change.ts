// One document changed by compare-and-set: read, decide, write only if nobody else has written meanwhile.
import type { DocumentReference, WriteBatch } from "@google-cloud/firestore";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Store } from "./firestore.ts";

/** Times that a change is decided afresh because another writer was first. */
export const DOCUMENT_CHANGES_MAX = 10;

/** What becomes of a document: fields to set, `"delete"`, or undefined for nothing. */
export type DocumentChange = Readonly<Record<string, unknown>> | "delete" | undefined;

/** Codes of a write whose precondition did not hold. */
export const OVERTAKEN: ReadonlySet<string> = new Set([
  "ALREADY_EXISTS",
  "FAILED_PRECONDITION",
  "NOT_FOUND",
  "ABORTED",
]);

/**
 * Changes a document, creating it if it is not there. `decide` may be called several times. Answers what was found by the call of
 * `decide` that counted. After a lost reply the document is read again, so `decide` must know its own work. `beside` adds to the commit
 * what lies in other documents.
 */
export async function changeDocument<Fields>(
  store: Store,
  doing: string,
  document: DocumentReference,
  decide: (found: Fields | undefined) => DocumentChange,
  beside?: (writes: WriteBatch, found: Fields | undefined, change: DocumentChange) => void,
): Promise<Fields | undefined> {
  for (let attempt = 1; attempt <= DOCUMENT_CHANGES_MAX; attempt++) {
    const found = await store.get(doing, document);
    const fields = found.data() as Fields | undefined;
    const change = decide(fields);
    if (change === undefined) return fields;
    try {
      await store.commit(doing, (writes) => {
        if (found.updateTime === undefined) {
          if (change !== "delete") writes.create(document, change);
        } else if (change === "delete") writes.delete(document, { lastUpdateTime: found.updateTime });
        else writes.update(document, change, { lastUpdateTime: found.updateTime });
        beside?.(writes, fields, change);
      });
      return fields;
    } catch (error) {
      if (!(error instanceof ControlPlaneError) || !OVERTAKEN.has(error.code)) throw error;
    }
  }
  throw new ControlPlaneError(
    "ABORTED",
    `${doing} failed: others changed the document ${DOCUMENT_CHANGES_MAX} times meanwhile. Try again.`,
    { reason: "DOCUMENT_CONTENDED", metadata: { doing } },
  );
}
