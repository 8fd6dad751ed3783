// The ledger in Firestore: a batch is one commit of creates. The id of a slot is `{stream}@{version}`, so of racing writers at
// one version one succeeds, without a lock and without a document that all of them write.
import { FieldPath } from "@google-cloud/firestore";
import { ControlPlaneError, invalidArgument } from "../../domain/errors.ts";
import { factId } from "../../domain/fact.ts";
import type { Batch, Ledger, RecordedDecision, Stream } from "../../ports/ledger.ts";
import { wellFormed } from "./firestore-documents.ts";
import { FIRESTORE_PAGE_DOCUMENTS_MAX, type Store } from "./firestore.ts";
import {
  causeId,
  type CauseDocument,
  factOfText,
  factSlot,
  factText,
  LEDGER_COLLECTIONS,
  outboxRow,
  type Slot,
  slotId,
} from "./ledger-documents.ts";
import { listFacts } from "./ledger-list.ts";
import { keepSnapshot, readSnapshot } from "./ledger-snapshots.ts";
import { createKnownVersions, type KnownVersions } from "./ledger-versions.ts";

/** Only what the ledger could not read back: the shape of facts is checked where they are recorded. */
function checkBatch(batch: Batch): void {
  const { stream, expected, cause } = batch;
  wellFormed(cause, `The cause of a batch on ${stream}`);
  for (const [index, fact] of batch.facts.entries()) {
    if (fact.subject === stream && fact.version === expected + 1 + index && fact.cause === cause) continue;
    throw invalidArgument(
      `facts[${index}]`,
      `Fact ${index} of the batch on ${stream} does not continue version ${expected} with cause ${cause}.`,
      "BATCH_BROKEN",
    );
  }
  for (const due of batch.due) {
    if (!Number.isNaN(Date.parse(due.time))) continue;
    throw invalidArgument(
      "due.time",
      `Timer ${due.name} on ${stream} has the time ${due.time}: write it in RFC 3339.`,
    );
  }
}

async function writeBatch(store: Store, batch: Batch): Promise<void> {
  const { stream, cause, expected } = batch;
  const texts = batch.facts.map(factText);
  const collection = (name: keyof typeof LEDGER_COLLECTIONS) => store.db.collection(LEDGER_COLLECTIONS[name]);
  const decision: CauseDocument = {
    stream,
    cause,
    inputHash: batch.inputHash,
    version: expected + 1,
    facts: batch.facts.length,
    ignored: batch.ignored === undefined ? null : wellFormed(batch.ignored, `The reason of ${cause}`),
    actor: wellFormed(batch.actor, `The actor of ${cause}`),
    time: batch.time,
  };
  await store.commit(`Appending to ${stream}`, (writes) => {
    writes.create(collection("causes").doc(causeId(stream, cause)), { ...decision });
    if (batch.facts.length === 0)
      writes.create(collection("slots").doc(slotId(stream, expected + 1)), { stream, version: expected + 1 });
    for (const [index, fact] of batch.facts.entries()) {
      const text = texts[index] ?? "";
      writes.create(collection("slots").doc(slotId(stream, fact.version)), factSlot(fact, text));
      writes.create(collection("outbox").doc(fact.id), outboxRow(fact, text));
    }
    for (const [index, due] of batch.due.entries()) {
      const name = wellFormed(due.name, `A timer on ${stream}`);
      const time = new Date(due.time).toISOString();
      const row = { stream, name, due: time, state: "waiting" };
      writes.create(collection("timers").doc(factId(stream, `${cause}/timer`, index)), row);
    }
  });
}

async function append(
  store: Store,
  versions: KnownVersions,
  batch: Batch,
): Promise<"appended" | "moved" | "decided"> {
  checkBatch(batch);
  const { stream, cause, expected } = batch;
  const reached = await versions.reached(stream, expected);
  try {
    if (reached) {
      await writeBatch(store, batch);
      versions.saw(stream, expected + Math.max(batch.facts.length, 1));
      return "appended";
    }
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || !["ALREADY_EXISTS", "ABORTED"].includes(error.code))
      throw error;
    if ((await decision(store, stream, cause)) !== undefined) return "decided";
    if (await versions.reached(stream, expected + 1)) return "moved";
    throw error;
  }
  return (await decision(store, stream, cause)) === undefined ? "moved" : "decided";
}

async function decision(store: Store, stream: string, cause: string): Promise<RecordedDecision | undefined> {
  const causes = store.db.collection(LEDGER_COLLECTIONS.causes);
  const found = await store.get(`Reading a decision on ${stream}`, causes.doc(causeId(stream, cause)));
  if (!found.exists) return undefined;
  const { inputHash, version, facts, ignored, time } = found.data() as CauseDocument;
  const slots = store.db.collection(LEDGER_COLLECTIONS.slots);
  const ids = Array.from({ length: facts }, (_, index) => slots.doc(slotId(stream, version + index)));
  const documents = await store.getAll(`Reading the facts of a decision on ${stream}`, ids);
  const known = {
    stream,
    cause,
    inputHash,
    facts: documents.map((document) => factOfText((document.data() as Slot).fact ?? "")),
    time,
  };
  return ignored === null ? known : { ...known, ignored };
}

/** The slots of a stream from a version on, page by page. */
async function slotsFrom(store: Store, stream: string, from: number): Promise<readonly Slot[]> {
  const slots = store.db.collection(LEDGER_COLLECTIONS.slots).orderBy(FieldPath.documentId());
  const found: Slot[] = [];
  const end = slotId(stream, 9_999_999_999);
  for (let next = from; ;) {
    const query = slots.startAt(slotId(stream, next)).endAt(end).limit(FIRESTORE_PAGE_DOCUMENTS_MAX);
    const page = (await store.query(`Reading ${stream}`, query)).map((each) => each.data() as Slot);
    found.push(...page);
    if (page.length < FIRESTORE_PAGE_DOCUMENTS_MAX) return found;
    next = (page.at(-1)?.version ?? next) + 1;
  }
}

async function read(store: Store, versions: KnownVersions, stream: string, after: number): Promise<Stream> {
  // One document by its name takes half of what a query takes, and mostly there is nothing new.
  if (after > 0 && versions.knows(stream, after) && !(await versions.reached(stream, after + 1)))
    return { version: after, facts: [] };
  // From the slot before: it says that the stream has come so far when there is nothing behind it.
  const slots = await slotsFrom(store, stream, after);
  const version = slots.at(-1)?.version ?? (after === 0 ? 0 : await versions.last(stream));
  versions.saw(stream, version);
  const facts = slots.filter((slot) => slot.version > after).flatMap(({ fact }) => fact ?? []);
  return { version, facts: facts.map(factOfText) };
}

/** A ledger whose streams, causes, outbox rows, timers and snapshots live in this database. */
export function createLedger(store: Store): Ledger {
  const versions = createKnownVersions(store);
  return {
    read: (stream, afterVersion = 0) => read(store, versions, stream, afterVersion),
    decision: (stream, cause) => decision(store, stream, cause),
    append: (batch) => append(store, versions, batch),
    snapshot: (stream, fold) => readSnapshot(store, stream, fold),
    keepSnapshot: (stream, fold, snapshot) => keepSnapshot(store, versions, stream, fold, snapshot),
    list: (query) => listFacts(store, query),
  };
}
