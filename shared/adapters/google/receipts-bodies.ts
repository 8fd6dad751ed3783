// Bodies of deliveries in Firestore: packed, in pieces that each fit a document, and gone when nobody can need them.
import { type DocumentReference, Timestamp, type WriteBatch } from "@google-cloud/firestore";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Receipt } from "../../ports/receipts.ts";
import { documentId } from "./firestore-documents.ts";
import type { Store } from "./firestore.ts";

/** Bytes of one piece of a body: a document holds 1 MiB in all. */
export const BODY_PIECE_BYTES_MAX = 900_000;
/** Pieces of one body: a commit holds 10 MiB in all. */
export const BODY_PIECES_MAX = 10;
/** How long bodies stay: far longer than the code host can deliver them again. */
export const BODY_KEPT_MS = 45 * 24 * 3_600_000;
/** Bytes that a kept body may unpack to: what the webhook takes, and not a bomb. */
const UNPACKED_BYTES_MAX = 26_000_000;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** The body in pieces; INVALID_ARGUMENT for one that is too large even when packed. */
export async function bodyPieces({ guid, body }: Receipt): Promise<readonly Buffer[]> {
  const packed = await pack(body);
  const count = Math.max(1, Math.ceil(packed.length / BODY_PIECE_BYTES_MAX));
  if (count > BODY_PIECES_MAX) {
    throw new ControlPlaneError(
      "INVALID_ARGUMENT",
      `The body of delivery ${guid} takes ${packed.length} bytes packed, and ${BODY_PIECES_MAX * BODY_PIECE_BYTES_MAX} can be kept. It cannot be taken.`,
      { reason: "BODY_TOO_LARGE", metadata: { guid, bytes: String(packed.length) } },
    );
  }
  return Array.from({ length: count }, (_, index) =>
    packed.subarray(index * BODY_PIECE_BYTES_MAX, (index + 1) * BODY_PIECE_BYTES_MAX),
  );
}

const pieceOf = (store: Store, guid: string, index: number): DocumentReference =>
  store.db.collection("receipt-bodies").doc(`${documentId(guid, `The delivery ${guid}`)}@${index}`);

/** Adds the pieces to the commit that keeps their receipt. */
export function createPieces(
  store: Store,
  writes: WriteBatch,
  { guid, receivedAt }: Receipt,
  pieces: readonly Buffer[],
): void {
  const expires = Timestamp.fromMillis(Date.parse(receivedAt) + BODY_KEPT_MS);
  for (const [index, piece] of pieces.entries())
    writes.create(pieceOf(store, guid, index), { piece, expires });
}

/** The body of a delivery, or undefined when its time is over. */
export async function readBody(store: Store, guid: string, count: number): Promise<Buffer | undefined> {
  const places = Array.from({ length: count }, (_, index) => pieceOf(store, guid, index));
  const found = await store.getAll(`Reading the body of delivery ${guid}`, places);
  const pieces = found.flatMap((each) => (each.data() as { piece: Buffer } | undefined)?.piece ?? []);
  if (pieces.length < count) return undefined;
  return unpack(Buffer.concat(pieces), { maxOutputLength: UNPACKED_BYTES_MAX });
}
