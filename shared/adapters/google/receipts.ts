// Receipts of deliveries in Firestore: a small row for good, the body in pieces that expire. Two documents are created in one
// commit, one by guid and one by content, so a delivery is stored once by either.
import { FieldValue, type Timestamp } from "@google-cloud/firestore";
import { ControlPlaneError, notFound } from "../../domain/errors.ts";
import type { Receipt, ReceiptOutcome, Receipts } from "../../ports/receipts.ts";
import { changeDocument, OVERTAKEN } from "./firestore-change.ts";
import { documentId, wellFormed } from "./firestore-documents.ts";
import type { Store } from "./firestore.ts";
import { bodyPieces, createBody, readBody } from "./receipts-bodies.ts";

/** Deliveries that were stored by this process and are not settled yet, of which the ETag is remembered. */
export const FRESH_ROWS_MAX = 1_000;

interface Row {
  readonly guid: string;
  readonly event: string;
  readonly bodyHash: string;
  readonly receivedAt: string;
  readonly pieces: number;
  readonly state: "pending" | "settled";
  readonly outcome?: ReceiptOutcome;
}

const withoutBody = ({ guid, event, bodyHash, receivedAt }: Row): Omit<Receipt, "body"> => ({
  guid,
  event,
  bodyHash,
  receivedAt,
});

const rowOf = (store: Store, guid: string) =>
  store.db.collection("receipts").doc(documentId(guid, `The delivery ${guid}`));

const contentOf = (store: Store, bodyHash: string) =>
  store.db.collection("receipt-contents").doc(documentId(bodyHash, `The content ${bodyHash}`));

/** The receipt that holds the guid or else the content, if there is one. */
async function known(store: Store, { guid, bodyHash }: Receipt) {
  const doing = `Reading delivery ${guid}`;
  const own = await store.get(doing, rowOf(store, guid));
  const content = own.exists ? undefined : await store.get(doing, contentOf(store, bodyHash));
  const holder = own.exists ? guid : (content?.data() as { guid: string } | undefined)?.guid;
  if (holder === undefined) return undefined;
  const row = (own.exists ? own : await store.get(doing, rowOf(store, holder))).data() as Row | undefined;
  return { kind: "duplicate", guid: holder, settled: row?.state === "settled" } as const;
}

/** Stores it; answers the ETag of its row. */
async function write(store: Store, receipt: Receipt): Promise<Timestamp | undefined> {
  const { guid, bodyHash, receivedAt } = receipt;
  const event = wellFormed(receipt.event, `The event of delivery ${guid}`);
  const pieces = await bodyPieces(receipt);
  const row: Row = { guid, event, bodyHash, receivedAt, pieces: pieces.length, state: "pending" };
  const [written] = await store.commit(`Keeping delivery ${guid}`, (writes) => {
    writes.create(rowOf(store, guid), { ...row, at: FieldValue.serverTimestamp() });
    writes.create(contentOf(store, bodyHash), { guid });
    createBody(store, writes, receipt, pieces);
  });
  return written?.writeTime;
}

/** Settles a row that nobody has changed since it was stored; false when somebody has. */
async function settleFresh(
  store: Store,
  guid: string,
  etag: Timestamp,
  change: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  try {
    await store.commit(`Settling delivery ${guid}`, (writes) =>
      writes.update(rowOf(store, guid), change, { lastUpdateTime: etag }),
    );
    return true;
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || !OVERTAKEN.has(error.code)) throw error;
    return false;
  }
}

async function pending(store: Store, limit: number): Promise<readonly Receipt[]> {
  const rows = store.db.collection("receipts").where("state", "==", "pending").orderBy("at").limit(limit);
  const found = await store.query("Reading unsettled deliveries", rows);
  const receipts = await Promise.all(
    found.map(async (each) => {
      const row = each.data() as Row;
      return { ...withoutBody(row), body: await readBody(store, row.guid, row.pieces) };
    }),
  );
  // A delivery whose body has expired cannot be done any more; it stays in the list as unsettled.
  return receipts.flatMap(({ body, ...rest }) => (body === undefined ? [] : { ...rest, body }));
}

/** Receipts that live in this database. */
export function createReceipts(store: Store): Receipts {
  /** Guid → ETag of what was stored here and not settled yet, so that settling it need not look first. */
  const fresh = new Map<string, Timestamp>();
  return {
    async put(receipt) {
      try {
        const etag = await write(store, receipt);
        if (etag !== undefined) fresh.set(receipt.guid, etag);
        if (fresh.size > FRESH_ROWS_MAX) fresh.delete(fresh.keys().next().value ?? "");
        return { kind: "stored" };
      } catch (error) {
        if (!(error instanceof ControlPlaneError) || !["ALREADY_EXISTS", "ABORTED"].includes(error.code))
          throw error;
        const duplicate = await known(store, receipt);
        if (duplicate === undefined) throw error;
        return duplicate;
      }
    },
    pending: (limit) => pending(store, limit),
    async settle(guid, outcome) {
      const reason = wellFormed(outcome.reason, `The reason of delivery ${guid}`);
      const change = { state: "settled", outcome: { ...outcome, reason } };
      const etag = fresh.get(guid);
      fresh.delete(guid);
      if (etag !== undefined && (await settleFresh(store, guid, etag, change))) return;
      await changeDocument<Row>(store, `Settling delivery ${guid}`, rowOf(store, guid), (row) => {
        if (row === undefined) throw notFound(`deliveries/${guid}`, "Put its receipt before settling it.");
        return row.state === "settled" ? undefined : change;
      });
    },
    async list(limit) {
      const rows = store.db.collection("receipts").orderBy("at", "desc").limit(limit);
      return (await store.query("Listing deliveries", rows)).map((each) => {
        const row = each.data() as Row;
        if (row.outcome === undefined) return withoutBody(row);
        const { outcome, reason, time } = row.outcome;
        return { ...withoutBody(row), outcome: { outcome, reason, time } };
      });
    },
  };
}
