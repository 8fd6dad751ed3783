// Bodies of deliveries in Firestore: in pieces, and gone when nobody can need them.
import { type DocumentReference, Timestamp, type WriteBatch } from "@google-cloud/firestore";
import type { Receipt } from "../../ports/receipts.ts";
import { documentId } from "./firestore-documents.ts";
import { createPieces, piecesOf, placesOf, readPieces } from "./firestore-pieces.ts";
import type { Store } from "./firestore.ts";

/** How long bodies stay: far longer than the code host can deliver them again. */
export const BODY_KEPT_MS = 45 * 24 * 3_600_000;

/** The body in pieces; INVALID_ARGUMENT for one that is too large even when packed. */
export const bodyPieces = ({ guid, body }: Receipt): Promise<readonly Buffer[]> =>
  piecesOf(body, `The body of delivery ${guid}`);

const places = (store: Store, guid: string, count: number): readonly DocumentReference[] =>
  placesOf(store, "receipt-bodies", documentId(guid, `The delivery ${guid}`), count);

/** Adds the pieces to the commit that keeps their receipt. */
export function createBody(
  store: Store,
  writes: WriteBatch,
  { guid, receivedAt }: Receipt,
  pieces: readonly Buffer[],
): void {
  const expires = Timestamp.fromMillis(Date.parse(receivedAt) + BODY_KEPT_MS);
  createPieces(writes, places(store, guid, pieces.length), pieces, expires);
}

/** The body of a delivery, or undefined when its time is over. */
export const readBody = (store: Store, guid: string, count: number): Promise<Buffer | undefined> =>
  readPieces(store, `Reading the body of delivery ${guid}`, places(store, guid, count));
