// What is larger than a document of Firestore: packed, and in pieces that each fit one. Pieces lie in a collection of their own.
import type { DocumentReference, Timestamp, WriteBatch } from "@google-cloud/firestore";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Store } from "./firestore.ts";

/** Bytes of one piece: a document holds 1 MiB in all. */
export const PIECE_BYTES_MAX = 900_000;
/** Pieces of one thing: a commit holds 10 MiB in all. */
export const PIECES_MAX = 10;
/** Bytes that pieces may unpack to: what the webhook takes, and not a bomb. */
const UNPACKED_BYTES_MAX = 26_000_000;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** The bytes in pieces; INVALID_ARGUMENT `BODY_TOO_LARGE` for what is too large even when packed. `what` begins a sentence. */
export async function piecesOf(bytes: Uint8Array, what: string): Promise<readonly Buffer[]> {
  const packed = await pack(bytes);
  const count = Math.max(1, Math.ceil(packed.length / PIECE_BYTES_MAX));
  if (count > PIECES_MAX) {
    throw new ControlPlaneError(
      "INVALID_ARGUMENT",
      `${what} takes ${packed.length} bytes packed, and ${PIECES_MAX * PIECE_BYTES_MAX} can be kept. It cannot be taken.`,
      { reason: "BODY_TOO_LARGE", metadata: { what, bytes: String(packed.length) } },
    );
  }
  return Array.from({ length: count }, (_, index) =>
    packed.subarray(index * PIECE_BYTES_MAX, (index + 1) * PIECE_BYTES_MAX),
  );
}

/** Where the pieces lie: `id` is one that `documentId` or `hashedId` made. */
export const placesOf = (
  store: Store,
  collection: string,
  id: string,
  count: number,
): readonly DocumentReference[] =>
  Array.from({ length: count }, (_, index) => store.db.collection(collection).doc(`${id}@${index}`));

/** Adds the pieces to a commit; with a time at which they end, or for good. */
export function createPieces(
  writes: WriteBatch,
  places: readonly DocumentReference[],
  pieces: readonly Buffer[],
  expires?: Timestamp,
): void {
  for (const [index, place] of places.entries())
    writes.create(place, { piece: pieces[index], ...(expires === undefined ? {} : { expires }) });
}

/** What the pieces hold, or undefined when one of them is no more. */
export async function readPieces(
  store: Store,
  doing: string,
  places: readonly DocumentReference[],
): Promise<Buffer | undefined> {
  const found = await store.getAll(doing, places);
  const pieces = found.flatMap((each) => (each.data() as { piece: Buffer } | undefined)?.piece ?? []);
  if (pieces.length < places.length) return undefined;
  return unpack(Buffer.concat(pieces), { maxOutputLength: UNPACKED_BYTES_MAX });
}
