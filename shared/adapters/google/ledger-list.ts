// All facts in the order of their commits. Firestore tells when a document was created but cannot list by it; it can list by the
// time of the request (`at`), which is a little earlier. So a listing reads along `at`, and gives a fact when nothing that is
// still to be read can have been committed before it.
import { Timestamp, type Query, type QueryDocumentSnapshot } from "@google-cloud/firestore";
import { invalidArgument } from "../../domain/errors.ts";
import type { FactPage, FactQuery } from "../../ports/ledger.ts";
import { FIRESTORE_PAGE_DOCUMENTS_MAX, type Store } from "./firestore.ts";
import { factOfText, LEDGER_COLLECTIONS, type Slot } from "./ledger-documents.ts";

/** A commit takes at most this long from its request: more than the deadline that each commit has. */
export const COMMIT_TAKES_MS_MAX = 15_000;
/** Types that one query of Firestore can ask for; a longer list is filtered here. */
export const TYPES_PER_QUERY_MAX = 30;

/** A place in the order of commits: seconds and nanoseconds of the commit, then the document of the batch. */
interface Place {
  readonly commit: string;
  readonly document: string;
}

interface Placed extends Place {
  readonly slot: Slot;
  readonly atMs: number;
}

const CURSOR = /^([0-9]{1,12}\.[0-9]{9})_([A-Za-z0-9_-]{1,2000})$/;

const commitText = (time: Timestamp): string =>
  `${String(time.seconds).padStart(12, "0")}.${String(time.nanoseconds).padStart(9, "0")}`;

const commitMs = (commit: string): number => Number(commit) * 1_000;

const cursorOf = ({ commit, document }: Place): string =>
  `${commit}_${Buffer.from(document).toString("base64url")}`;

function placeOf(cursor: string): Place {
  const [, commit, document] = CURSOR.exec(cursor) ?? [];
  if (commit === undefined || document === undefined) {
    const message = "The cursor is not one of this list: start again without it.";
    throw invalidArgument("after", message, "INVALID_CURSOR");
  }
  return { commit, document: Buffer.from(document, "base64url").toString() };
}

const byPlace = (one: Place, other: Place): number => {
  if (one.commit !== other.commit) return one.commit < other.commit ? -1 : 1;
  return one.document < other.document ? -1 : one.document > other.document ? 1 : 0;
};

function placed(document: QueryDocumentSnapshot): Placed {
  const slot = document.data() as Slot;
  return {
    commit: commitText(document.createTime),
    document: document.id,
    slot,
    atMs: slot.at?.toMillis() ?? 0,
  };
}

function queryOf(store: Store, { subject, types, order }: FactQuery): Query {
  let query: Query = store.db.collection(LEDGER_COLLECTIONS.slots);
  if (subject !== undefined)
    query = subject.endsWith("/")
      ? query.where("below", "array-contains", subject)
      : query.where("stream", "==", subject);
  if (types !== undefined && types.length <= TYPES_PER_QUERY_MAX)
    query = query.where("type", "in", [...types]);
  return query.orderBy("at", order === "newest-first" ? "desc" : "asc");
}

/** Where a listing along `at` begins so that nothing behind the cursor is missed. */
function startOf(query: Query, after: Place | undefined, newest: boolean): Query {
  if (after === undefined) return query;
  const ms = commitMs(after.commit) + (newest ? 1 : -COMMIT_TAKES_MS_MAX);
  return query.startAt(Timestamp.fromMillis(Math.max(0, Math.floor(ms))));
}

/** One page: facts strictly after the cursor, in the order of their commits. */
export async function listFacts(store: Store, request: FactQuery): Promise<FactPage> {
  const newest = request.order === "newest-first";
  const after = request.after === undefined ? undefined : placeOf(request.after);
  if (request.types?.length === 0) return { facts: [], cursors: [], next: undefined };
  const wanted = request.limit + 1;
  const compare = newest ? (one: Place, other: Place) => byPlace(other, one) : byPlace;
  const size = Math.min(wanted + 1, FIRESTORE_PAGE_DOCUMENTS_MAX);
  let found: Placed[] = [];
  let query = startOf(queryOf(store, request), after, newest).limit(size);
  for (;;) {
    const page = await store.query("Listing facts", query);
    const read = page.map(placed);
    found.push(
      ...read.filter(
        (each) =>
          (after === undefined || compare(after, each) < 0) &&
          request.types?.includes(each.slot.type as never) !== false,
      ),
    );
    found = found.toSorted(compare);
    const last = read.at(-1);
    const lastDocument = page.at(-1);
    if (read.length < size || last === undefined || lastDocument === undefined) break;
    const decisive = found[wanted - 1];
    // What is still unread has a later `at` (an earlier one, listing backwards), and a commit is never before its request.
    if (decisive !== undefined) {
      const ms = commitMs(decisive.commit);
      if (newest ? last.atMs + COMMIT_TAKES_MS_MAX < ms : last.atMs > ms) break;
    }
    query = queryOf(store, request).startAfter(lastDocument).limit(size);
  }
  const facts = found.slice(0, request.limit);
  const cursors = facts.map(cursorOf);
  return {
    facts: facts.map(({ slot }) => factOfText(slot.fact ?? "")),
    cursors,
    next: found.length > facts.length ? cursors.at(-1) : undefined,
  };
}
