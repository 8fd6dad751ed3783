// Read models in Firestore. A commit stands on the ETag (update time) of what its projection has seen of the stream, and on those of the
// documents that it was made from, so that of two projectors one succeeds, without a transaction.
import { type DocumentReference, Timestamp, type WriteBatch } from "@google-cloud/firestore";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { ViewDocument, ViewPut, ViewQuery, Views } from "../../ports/views.ts";
import { documentId, documentText, wellFormed } from "./firestore-documents.ts";
import type { Store } from "./firestore.ts";

/** Streams whose seen version is remembered with its ETag; the ones used longest ago are forgotten first. */
export const SEEN_VERSIONS_MAX = 10_000;

/** Sorts after every key that begins with the prefix in front of it: the last code point, which no text uses. */
const AFTER_ALL = "\u{10FFFF}";

interface Seen {
  readonly version: number;
  /** Undefined as long as nothing was seen: the first commit creates the document. */
  readonly etag: Timestamp | undefined;
}

interface KeptDocument {
  readonly key: string;
  readonly document: string;
}

const documentsOf = (store: Store, collection: string) =>
  store.db
    .collection("views")
    .doc(documentId(collection, `The collection ${collection}`))
    .collection("documents");

const keyId = (key: string): string => documentId(key, `The key ${key}`);

async function list(store: Store, query: ViewQuery) {
  const descending = query.order === "descending";
  const prefix = wellFormed(query.prefix ?? "", "The prefix");
  let found = documentsOf(store, query.collection)
    .where("key", ">=", prefix)
    .where("key", "<", `${prefix}${AFTER_ALL}`)
    .orderBy("key", descending ? "desc" : "asc");
  if (query.after !== undefined)
    found = found.startAfter(wellFormed(query.after, "The place to go on after"));
  const documents = await store.query(`Listing ${query.collection}`, found.limit(query.limit));
  return documents.map((each) => {
    const { key, document } = each.data() as KeptDocument;
    return { key, document: JSON.parse(document) as ViewDocument };
  });
}

/** Update times of Firestore as text. */
const etagOf = ({ seconds, nanoseconds }: Timestamp): string => `${seconds}.${nanoseconds}`;
const timeOf = (etag: string): Timestamp => {
  const [seconds, nanoseconds] = etag.split(".");
  return new Timestamp(Number(seconds), Number(nanoseconds));
};

/** Puts one change into a batch, on the condition of its ETag where it has one. */
function put(
  writes: WriteBatch,
  place: DocumentReference,
  { key, etag }: ViewPut,
  document: string | null,
): void {
  if (document === null) {
    // What was not there needs no removal.
    if (etag === undefined) writes.delete(place);
    else if (etag !== null) writes.delete(place, { lastUpdateTime: timeOf(etag) });
  } else if (etag === undefined) writes.set(place, { key, document });
  else if (etag === null) writes.create(place, { key, document });
  else writes.update(place, { key, document }, { lastUpdateTime: timeOf(etag) });
}

/** The precondition of a commit did not hold. */
const overtaken = (error: unknown): boolean =>
  error instanceof ControlPlaneError &&
  ["ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND", "ABORTED"].includes(error.code);

const textsOf = (puts: readonly ViewPut[]): readonly (string | null)[] =>
  puts.map(({ collection, key, document }) =>
    document === null ? null : documentText(document, `The document ${collection}/${key}`),
  );

/** Read models that live in this database. Keys are ordered by their UTF-8 bytes. */
export function createViews(store: Store): Views {
  const known = new Map<string, Seen>();
  const remember = (id: string, seen: Seen): Seen => {
    known.delete(id);
    known.set(id, seen);
    if (known.size > SEEN_VERSIONS_MAX) known.delete(known.keys().next().value ?? "");
    return seen;
  };
  const seenId = (projection: string, stream: string): string =>
    documentId(`${projection}@${stream}`, `The projection ${projection} of ${stream}`);
  const look = async (id: string): Promise<Seen> => {
    const found = await store.get(
      `Reading what was seen of ${id}`,
      store.db.collection("views-seen").doc(id),
    );
    const { version = 0 } = (found.data() ?? {}) as { version?: number };
    return remember(id, { version, etag: found.updateTime });
  };
  const write = async (id: string, etag: Timestamp | undefined, seen: number, puts: readonly ViewPut[]) => {
    const texts = textsOf(puts);
    const results = await store.commit(`Committing ${id}`, (writes) => {
      const document = store.db.collection("views-seen").doc(id);
      if (etag === undefined) writes.create(document, { version: seen });
      else writes.update(document, { version: seen }, { lastUpdateTime: etag });
      for (const [index, change] of puts.entries())
        put(
          writes,
          documentsOf(store, change.collection).doc(keyId(change.key)),
          change,
          texts[index] ?? null,
        );
    });
    remember(id, { version: seen, etag: results[0]?.writeTime });
  };
  const read: Views["read"] = async (collection, key) => {
    const place = documentsOf(store, collection).doc(keyId(key));
    const found = await store.get(`Reading ${collection}/${key}`, place);
    const { document } = (found.data() ?? {}) as Partial<KeptDocument>;
    if (document === undefined || found.updateTime === undefined) return { document: undefined, etag: null };
    return { document: JSON.parse(document) as ViewDocument, etag: etagOf(found.updateTime) };
  };
  return {
    read,
    get: async (collection, key) => (await read(collection, key)).document,
    list: (query) => list(store, query),
    // What is remembered may be behind what another process has committed; the commit that follows is then stale, and looked at anew.
    async seen(projection, stream) {
      const id = seenId(projection, stream);
      return (known.get(id) ?? (await look(id))).version;
    },
    async commit({ projection, stream, expected, seen, puts }) {
      const id = seenId(projection, stream);
      const before = known.get(id);
      const { version, etag } = before?.version === expected ? before : await look(id);
      if (version !== expected) return "stale";
      try {
        await write(id, etag, seen, puts);
        return "committed";
      } catch (error) {
        known.delete(id);
        if (overtaken(error)) return "stale";
        throw error;
      }
    },
  };
}
