// Dead letters in Firestore. The letter itself is text: whatever failed is kept as it was, also keys that Firestore has no place for.
// A push is larger than the largest document, so the payload of a large letter lies beside it in pieces.
import { FieldValue, type Query } from "@google-cloud/firestore";
import type { DeadLetter, DeadLetters, FailedMessage } from "../../ports/dead-letters.ts";
import { changeDocument, type DocumentChange } from "./firestore-change.ts";
import { DOCUMENT_TEXT_BYTES_MAX, documentId, documentText, hashedId } from "./firestore-documents.ts";
import { createPieces, piecesOf, placesOf, readPieces } from "./firestore-pieces.ts";
import type { Store } from "./firestore.ts";

interface Row {
  readonly letter: string;
  readonly failures: number;
  readonly state: DeadLetter["state"];
  /** How many pieces hold the payload; absent when it is in the letter. */
  readonly pieces?: number;
}

/** Without the payload where that lies in pieces. */
const letterOf = (row: Row): DeadLetter => JSON.parse(row.letter) as DeadLetter;

/** A letter in the order of keys that it always has, so that its text is the same for the same letter. */
const fieldsOf = (letter: DeadLetter): Record<string, unknown> => ({
  letter: documentText(letter, `The dead letter ${letter.id}`),
  service: letter.service,
  failures: letter.failures,
  state: letter.state,
});

const firstFailure = (message: FailedMessage): DeadLetter => ({
  id: message.id,
  service: message.service,
  reason: message.reason,
  message: message.message,
  payload: message.payload === undefined ? null : message.payload,
  time: message.time,
  createTime: message.time,
  failures: 1,
  state: "waiting",
  since: message.time,
});

const payloadPlaces = (store: Store, id: string, count: number) =>
  placesOf(store, "dead-letter-payloads", hashedId(id), count);

/** The pieces of a payload that makes its letter too large for a document; none for any other. */
async function payloadPieces(letter: DeadLetter): Promise<readonly Buffer[]> {
  if (Buffer.byteLength(JSON.stringify(letter)) <= DOCUMENT_TEXT_BYTES_MAX) return [];
  return piecesOf(Buffer.from(JSON.stringify(letter.payload)), `The payload of dead letter ${letter.id}`);
}

/** The letter as it was put, read together where it lies in parts. */
async function wholeLetter(store: Store, row: Row): Promise<DeadLetter> {
  const letter = letterOf(row);
  if (row.pieces === undefined) return letter;
  const doing = `Reading the payload of dead letter ${letter.id}`;
  const payload = await readPieces(store, doing, payloadPlaces(store, letter.id, row.pieces));
  // Given up between the two reads: whoever lists letters is told what is left of it.
  return payload === undefined ? letter : { ...letter, payload: JSON.parse(payload.toString("utf8")) };
}

/** Dead letters that live in this database. */
export function createDeadLetters(store: Store): DeadLetters {
  const letters = store.db.collection("dead-letters");
  const place = (id: string) => letters.doc(documentId(hashedId(id), `The dead letter ${id}`));
  return {
    async put(message) {
      const first = firstFailure(message);
      const pieces = await payloadPieces(first);
      const kept = pieces.length === 0 ? {} : { pieces: pieces.length };
      const decide = (row: Row | undefined): DocumentChange => {
        if (row === undefined) {
          const letter = pieces.length === 0 ? first : { ...first, payload: null };
          return { ...fieldsOf(letter), ...kept, at: FieldValue.serverTimestamp() };
        }
        if (row.state !== "replaying") return undefined;
        const { reason, message: text, time } = message;
        const failures = row.failures + 1;
        return fieldsOf({
          ...letterOf(row),
          reason,
          message: text,
          time,
          failures,
          state: "waiting",
          since: time,
        });
      };
      const { id } = message;
      await changeDocument<Row>(store, `Keeping the dead letter ${id}`, place(id), decide, (writes, row) => {
        if (row === undefined) createPieces(writes, payloadPlaces(store, id, pieces.length), pieces);
      });
    },
    async get(id) {
      const row = (await store.get(`Reading the dead letter ${id}`, place(id))).data() as Row | undefined;
      return row === undefined ? undefined : wholeLetter(store, row);
    },
    async list(limit, { after, state } = {}) {
      let query: Query = letters;
      if (state !== undefined) query = query.where("state", "==", state);
      query = query.orderBy("at", "desc");
      const total = await store.count("Counting the dead letters", letters);
      if (after !== undefined) {
        const last = await store.get(`Reading the dead letter ${after}`, place(after));
        if (!last.exists) return { letters: [], total };
        query = query.startAfter(last);
      }
      const found = await store.query("Listing the dead letters", query.limit(limit));
      return {
        letters: await Promise.all(found.map((each) => wholeLetter(store, each.data() as Row))),
        total,
      };
    },
    async change(id, failures, to, time) {
      const decide = (row: Row | undefined): DocumentChange => {
        if (row === undefined || row.failures !== failures) return undefined;
        if (to === "gone") return "delete";
        return row.state === to ? undefined : fieldsOf({ ...letterOf(row), state: to, since: time });
      };
      const doing = `Changing the dead letter ${id}`;
      const found = await changeDocument<Row>(store, doing, place(id), decide, (writes, row, change) => {
        if (change !== "delete") return;
        for (const piece of payloadPlaces(store, id, row?.pieces ?? 0)) writes.delete(piece);
      });
      return found !== undefined && found.failures === failures;
    },
  };
}
