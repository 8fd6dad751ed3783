// Snapshots in Firestore: one document per stream and fold, replaced by a newer one only.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Fold, Snapshot } from "../../ports/ledger.ts";
import { DOCUMENT_TEXT_BYTES_MAX, documentId, documentText } from "./firestore-documents.ts";
import type { Store } from "./firestore.ts";
import { LEDGER_COLLECTIONS } from "./ledger-documents.ts";
import type { KnownVersions } from "./ledger-versions.ts";

interface SnapshotDocument {
  readonly schema: number;
  readonly version: number;
  readonly state: string;
}

const documentOf = (store: Store, stream: string, fold: Fold) =>
  store.db
    .collection(LEDGER_COLLECTIONS.snapshots)
    .doc(documentId(`${stream}@${fold.name}`, `The fold ${fold.name} of ${stream}`));

/** The snapshot, unless it is of another schema. */
export async function readSnapshot(store: Store, stream: string, fold: Fold): Promise<Snapshot | undefined> {
  const found = await store.get(`Reading the snapshot of ${stream}`, documentOf(store, stream, fold));
  const kept = found.data() as SnapshotDocument | undefined;
  if (kept === undefined || kept.schema !== fold.schema) return undefined;
  return { version: kept.version, state: JSON.parse(kept.state) as unknown };
}

/** Someone else kept one at the same time: theirs is as good. */
const lost = (error: unknown): boolean =>
  error instanceof ControlPlaneError &&
  ["ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND", "ABORTED"].includes(error.code);

/** Keeps a snapshot that is newer than what is there. A program of an older schema leaves a newer one alone. */
export async function keepSnapshot(
  store: Store,
  versions: KnownVersions,
  stream: string,
  fold: Fold,
  { version, state }: Snapshot,
): Promise<void> {
  // A version that the stream does not have would hide facts that are still to come.
  if (!(await versions.reached(stream, version))) return;
  if (Buffer.byteLength(JSON.stringify(state) ?? "") > DOCUMENT_TEXT_BYTES_MAX) return;
  const text = documentText(state, `The snapshot of ${stream}`);
  const document = documentOf(store, stream, fold);
  const found = await store.get(`Reading the snapshot of ${stream}`, document);
  const kept = found.data() as SnapshotDocument | undefined;
  if (kept !== undefined && kept.schema > fold.schema) return;
  if (kept !== undefined && kept.schema === fold.schema && kept.version >= version) return;
  const next: SnapshotDocument = { schema: fold.schema, version, state: text };
  try {
    await store.commit(`Keeping the snapshot of ${stream}`, (writes) => {
      if (found.updateTime === undefined) writes.create(document, next);
      else writes.update(document, { ...next }, { lastUpdateTime: found.updateTime });
    });
  } catch (error) {
    if (!lost(error)) throw error;
  }
}
