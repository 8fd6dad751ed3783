// How all adapters here reach Firestore: one client, a deadline on every call, errors in our words.
import {
  type DocumentReference,
  type DocumentSnapshot,
  Firestore,
  type Query,
  type QueryDocumentSnapshot,
  type WriteBatch,
  type WriteResult,
} from "@google-cloud/firestore";
import type { ControlPlaneError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { google, googleError } from "./errors.ts";

/** How long one call may take, with what the client repeats by itself: a commit that is given up may still have happened. */
export const FIRESTORE_CALL_TIMEOUT_MS = 10_000;
/** Documents of one page of a query: a longer history is read page by page, each with a deadline of its own. */
export const FIRESTORE_PAGE_DOCUMENTS_MAX = 500;

/** How long closing waits for calls under way. */
export const FIRESTORE_CLOSE_TIMEOUT_MS = 3_000;

/** Where the database is. */
export interface FirestoreSettings {
  readonly project: string;
  /** Name of the database; `(default)` unless Terraform names another. */
  readonly database?: string;
  /** `host:port` of the emulator; never set in production. */
  readonly emulator?: string;
}

/** Calls that were made, to be multiplied by a price list: Firestore bills documents, not calls. */
export interface FirestoreCounts {
  reads: number;
  writes: number;
  deletes: number;
}

/** A database as the adapters use it. `doing` begins a sentence of an error, such as "Reading stacks/web". */
export interface Store {
  readonly db: Firestore;
  readonly counts: FirestoreCounts;
  get(doing: string, document: DocumentReference): Promise<DocumentSnapshot>;
  getAll(doing: string, documents: readonly DocumentReference[]): Promise<readonly DocumentSnapshot[]>;
  query(doing: string, query: Query): Promise<readonly QueryDocumentSnapshot[]>;
  count(doing: string, query: Query): Promise<number>;
  /** Builds one atomic batch and commits it. */
  commit(doing: string, fill: (batch: WriteBatch) => void): Promise<readonly WriteResult[]>;
  /**
   * Tells of every change of the query's result, first of the result itself. The client connects again by itself and goes on where it
   * was; `onEnd` is told when it will not, and nothing comes after that. Answers how to end it.
   */
  listen(
    doing: string,
    query: Query,
    onChange: () => void,
    onEnd: (error: ControlPlaneError) => void,
  ): () => void;
  /** Ends what listens, and waits a moment for calls under way. */
  close(): Promise<void>;
}

/** Index entries that one read of a count covers (https://cloud.google.com/firestore/pricing). */
const COUNTED_PER_READ = 1_000;

/** What listens to queries, until it ends, is ended, or all are. */
function createListeners(resource: string, counts: FirestoreCounts) {
  const listening = new Set<() => void>();
  const listen: Store["listen"] = (doing, query, onChange, onEnd) => {
    const unsubscribe = query.onSnapshot(
      (snapshot) => {
        counts.reads += snapshot.docChanges().length;
        onChange();
      },
      (error) => {
        listening.delete(unsubscribe);
        onEnd(googleError(doing, resource, error));
      },
    );
    listening.add(unsubscribe);
    return () => {
      listening.delete(unsubscribe);
      unsubscribe();
    };
  };
  const end = (): void => {
    for (const unsubscribe of listening) unsubscribe();
    listening.clear();
  };
  return { listen, end };
}

/**
 * The deadline of a commit on the wire. The client's own is 60 s (firestore_client_config.json) whatever we wait, and a listing of
 * the ledger must know how long after its request a commit can still be made (`COMMIT_TAKES_MS_MAX`).
 */
const commitDeadline = (timeoutMs: number): string =>
  JSON.stringify({
    loadBalancingConfig: [],
    methodConfig: [
      {
        name: [{ service: "google.firestore.v1.Firestore", method: "Commit" }],
        timeout: `${timeoutMs / 1_000}s`,
      },
    ],
  });

/** A client of this database. Nothing is asked of it before the first call. */
export function openStore(
  settings: FirestoreSettings,
  clock: Clock,
  timeoutMs: number = FIRESTORE_CALL_TIMEOUT_MS,
  counts: FirestoreCounts = { reads: 0, writes: 0, deletes: 0 },
): Store {
  const db = new Firestore({
    projectId: settings.project,
    databaseId: settings.database ?? "(default)",
    grpcOptions: { "grpc.service_config": commitDeadline(timeoutMs) },
    ...(settings.emulator === undefined ? {} : { host: settings.emulator, ssl: false }),
  });
  const resource = `projects/${settings.project}`;
  const underWay = new Set<Promise<unknown>>();
  const listeners = createListeners(resource, counts);
  const watched = async <Answer>(work: () => Promise<Answer>): Promise<Answer> => {
    const answer = work();
    underWay.add(answer);
    try {
      return await answer;
    } finally {
      underWay.delete(answer);
    }
  };
  const call = <Answer>(doing: string, work: () => Promise<Answer>): Promise<Answer> =>
    google(doing, resource, () =>
      withDeadline(clock, timeoutMs, `${doing} in Firestore`, () => watched(work)),
    );
  return {
    db,
    counts,
    get(doing, document) {
      counts.reads += 1;
      return call(doing, () => document.get());
    },
    async getAll(doing, documents) {
      if (documents.length === 0) return [];
      counts.reads += documents.length;
      return call(doing, () => db.getAll(...documents));
    },
    async query(doing, query) {
      const { docs } = await call(doing, () => query.get());
      // A query that finds nothing is billed as one read.
      counts.reads += Math.max(docs.length, 1);
      return docs;
    },
    async count(doing, query) {
      const { count } = (await call(doing, () => query.count().get())).data();
      counts.reads += Math.max(1, Math.ceil(count / COUNTED_PER_READ));
      return count;
    },
    async commit(doing, fill) {
      const batch = db.batch();
      fill(batch);
      const results = await call(doing, () => batch.commit());
      counts.writes += results.length;
      return results;
    },
    listen: listeners.listen,
    async close() {
      // The client refuses to end while something listens.
      listeners.end();
      const closing = new AbortController();
      const given = clock.sleep(FIRESTORE_CLOSE_TIMEOUT_MS, closing.signal);
      const ended = Promise.allSettled(underWay).then(() => true);
      const quiet = await Promise.race([ended, given.then(() => false)]);
      closing.abort();
      // The client repeats for a while what we gave up. Ended meanwhile, it would reject where nobody can catch it.
      if (quiet) await db.terminate();
    },
  };
}
