// Dead letters in Firestore. The letter itself is text: whatever failed is kept as it was, also keys that Firestore has no place for.
import { FieldValue, type Query } from "@google-cloud/firestore";
import type { DeadLetter, DeadLetters, FailedMessage } from "../../ports/dead-letters.ts";
import { changeDocument } from "./firestore-change.ts";
import { documentId, documentText, hashedId } from "./firestore-documents.ts";
import type { Store } from "./firestore.ts";

interface Row {
  readonly letter: string;
  readonly failures: number;
  readonly state: DeadLetter["state"];
}

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

/** Dead letters that live in this database. */
export function createDeadLetters(store: Store): DeadLetters {
  const letters = store.db.collection("dead-letters");
  const place = (id: string) => letters.doc(documentId(hashedId(id), `The dead letter ${id}`));
  return {
    async put(message) {
      await changeDocument<Row>(store, `Keeping the dead letter ${message.id}`, place(message.id), (row) => {
        if (row === undefined)
          return { ...fieldsOf(firstFailure(message)), at: FieldValue.serverTimestamp() };
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
      });
    },
    async get(id) {
      const row = (await store.get(`Reading the dead letter ${id}`, place(id))).data() as Row | undefined;
      return row === undefined ? undefined : letterOf(row);
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
      return { letters: found.map((each) => letterOf(each.data() as Row)), total };
    },
    async change(id, failures, to, time) {
      const found = await changeDocument<Row>(store, `Changing the dead letter ${id}`, place(id), (row) => {
        if (row === undefined || row.failures !== failures) return undefined;
        if (to === "gone") return "delete";
        return row.state === to ? undefined : fieldsOf({ ...letterOf(row), state: to, since: time });
      });
      return found !== undefined && found.failures === failures;
    },
  };
}
