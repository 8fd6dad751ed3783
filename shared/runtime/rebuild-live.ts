// A read model held against the ledger, and mended where they differ, while its projection goes on in other processes.
//
// All facts are folded in memory to what each document should be. A document that differs is replaced only on the version that its
// last writing stream has been seen at, and only while the fold knows every fact up to there: a projection that applies a fact in
// between makes the replacement stale. A document of several streams can still lose a fact of another stream to a replacement, or get
// back what was replaced from a commit that was under way; so what was replaced is looked at again when every such commit has ended,
// until a look finds nothing. Cut off at any place, it is done again from the start.
import { isDeepStrictEqual } from "node:util";
import { ControlPlaneError } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { ViewDocument, ViewPut } from "../ports/views.ts";
import { createProjector, type Projection, type ProjectorPorts } from "./project.ts";
import { keyOf, REBUILD_FACTS_MAX } from "./rebuild.ts";

/** Facts read from the ledger at once. */
const FACTS_PER_PAGE_MAX = 500;
/** Documents read from the view at once. */
const DOCUMENTS_PER_PAGE_MAX = 500;
/** Documents that one commit replaces: the largest together stay below the 10 MiB of a request to Firestore. */
const DOCUMENTS_PER_COMMIT_MAX = 8;
/** Streams or documents asked about at one time. */
const READS_AT_ONCE_MAX = 16;
/** How often what differs is looked at again. */
export const REBUILD_LOOKS_MAX = 100;
/** Before the next look at what another process was writing. */
const LOOK_PAUSE_MS = 500;
/** Before what was replaced is looked at again: more than a commit of another process may take from its first read on. */
export const REBUILD_PROOF_MS = 20_000;
/** Whose version guards the removal of documents that no fact explains. */
const MARKER = "rebuild";

/** What it works with. */
export interface LiveRebuildPorts extends ProjectorPorts {
  readonly clock: Pick<Clock, "sleep">;
}

/** What was done, or has been done so far. */
export interface LiveRebuild {
  readonly projection: string;
  readonly facts: number;
  readonly documents: number;
  /** Streams whose facts the projection had not applied. */
  readonly caughtUp: number;
  readonly replaced: number;
}

interface Expected {
  readonly collection: string;
  readonly key: string;
  /** JSON, or null where the document shall not be. */
  readonly text: string | null;
  /** The stream whose fact wrote it last. */
  readonly stream: string;
}

interface Fold {
  readonly documents: Map<string, Expected>;
  /** Stream → version of its newest fact that the projection wants. */
  readonly versions: Map<string, number>;
  after: string | undefined;
  facts: number;
}

const readText = (text: string | null | undefined): ViewDocument | undefined =>
  text === null || text === undefined ? undefined : (JSON.parse(text) as ViewDocument);

/** Works on so many at a time. */
async function each<T>(values: Iterable<T>, work: (value: T) => Promise<void>): Promise<void> {
  const all = [...values];
  for (let at = 0; at < all.length; at += READS_AT_ONCE_MAX)
    await Promise.all(all.slice(at, at + READS_AT_ONCE_MAX).map(work));
}

/** Folds what the ledger holds besides; answers which documents that touched. */
async function foldOn(
  ports: ProjectorPorts,
  projection: Projection,
  fold: Fold,
): Promise<ReadonlySet<string>> {
  const touched = new Set<string>();
  const read = async (collection: string, key: string) =>
    readText(fold.documents.get(keyOf(collection, key))?.text);
  for (;;) {
    const page = { limit: FACTS_PER_PAGE_MAX, order: "oldest-first", types: projection.types } as const;
    const { facts, cursors, next } = await ports.ledger.list(
      fold.after === undefined ? page : { ...page, after: fold.after },
    );
    for (const fact of facts) {
      for (const { collection, key, document } of await projection.apply(fact, read)) {
        const text = document === null ? null : JSON.stringify(document);
        fold.documents.set(keyOf(collection, key), { collection, key, text, stream: fact.subject });
        touched.add(keyOf(collection, key));
      }
      fold.versions.set(fact.subject, fact.version);
    }
    fold.facts += facts.length;
    fold.after = cursors.at(-1) ?? fold.after;
    if (next === undefined) return touched;
    if (fold.facts >= REBUILD_FACTS_MAX)
      throw new ControlPlaneError(
        "RESOURCE_EXHAUSTED",
        `The ledger holds more than ${REBUILD_FACTS_MAX} facts of the view ${projection.name}.`,
        { reason: "REBUILD_TOO_LARGE", metadata: { projection: projection.name } },
      );
  }
}

/** Applies what the projection has missed of these streams, as the projection itself would; answers of how many streams. */
async function catchUp(
  { ledger, views }: ProjectorPorts,
  projection: Projection,
  fold: Fold,
  streams: Iterable<string>,
): Promise<number> {
  const { name } = projection;
  const projector = createProjector({ ledger, views }, [projection]);
  let behind = 0;
  await each(streams, async (stream) => {
    const version = fold.versions.get(stream) ?? 0;
    const seen = await views.seen(name, stream);
    if (seen < version) {
      behind += 1;
      const [fact] = (await ledger.read(stream, version - 1)).facts;
      if (fact !== undefined)
        await projector.handle(fact).catch((error: unknown) => {
          // Another process applies the same facts at this moment.
          if (!(error instanceof ControlPlaneError) || error.code !== "ABORTED") throw error;
        });
    } else if (seen > version && seen > (await ledger.read(stream, version)).version) {
      // More than there is: facts to come would count as seen.
      behind += 1;
      await views.commit({ projection: name, stream, expected: seen, seen: version, puts: [] });
    }
  });
  return behind;
}

/** Ids of the documents that are not as the fold says, in every collection that it writes. */
async function differing({ views }: ProjectorPorts, fold: Fold): Promise<readonly string[]> {
  const found: string[] = [];
  const absent = new Set([...fold.documents].filter(([, { text }]) => text !== null).map(([id]) => id));
  for (const collection of new Set([...fold.documents.values()].map((each) => each.collection))) {
    for (let after: string | undefined; ;) {
      const query = { collection, limit: DOCUMENTS_PER_PAGE_MAX };
      const page = await views.list(after === undefined ? query : { ...query, after });
      for (const { key, document } of page) {
        const id = keyOf(collection, key);
        absent.delete(id);
        if (!isDeepStrictEqual(document, readText(fold.documents.get(id)?.text))) found.push(id);
      }
      after = page.at(-1)?.key;
      if (page.length < DOCUMENTS_PER_PAGE_MAX) break;
    }
  }
  return [...found, ...absent];
}

/** What of a document must be written; undefined where it is as the fold says. */
async function correction({ views }: ProjectorPorts, fold: Fold, id: string): Promise<ViewPut | undefined> {
  const [collection, key] = [id.slice(0, id.indexOf("\n")), id.slice(id.indexOf("\n") + 1)];
  const document = readText(fold.documents.get(id)?.text);
  if (isDeepStrictEqual(await views.get(collection, key), document)) return undefined;
  return { collection, key, document: document ?? null };
}

/** Replaces these documents where they still differ; answers which must be looked at again, and which were replaced. */
async function replace(
  ports: ProjectorPorts,
  projection: Projection,
  fold: Fold,
  ids: readonly string[],
): Promise<{ readonly again: readonly string[]; readonly replaced: readonly string[] }> {
  const { name } = projection;
  const byStream = Map.groupBy(ids, (id) => fold.documents.get(id)?.stream ?? MARKER);
  const seen = new Map<string, number>();
  await each(byStream.keys(), async (stream) => void seen.set(stream, await ports.views.seen(name, stream)));
  // The fold comes after: it knows every fact that was seen then.
  const touched = await foldOn(ports, projection, fold);
  const again: string[] = ids.filter((id) => touched.has(id));
  const replaced: string[] = [];
  await each(byStream, async ([stream, all]) => {
    const mine = all.filter((id) => !touched.has(id));
    let expected = seen.get(stream) ?? 0;
    const isBehind = expected < (fold.versions.get(stream) ?? 0);
    for (let from = 0; from < mine.length; from += DOCUMENTS_PER_COMMIT_MAX) {
      const part = mine.slice(from, from + DOCUMENTS_PER_COMMIT_MAX);
      const corrections = await Promise.all(part.map((id) => correction(ports, fold, id)));
      const puts = corrections.filter((put) => put !== undefined);
      if (puts.length === 0) continue;
      const next = stream === MARKER ? expected + 1 : expected;
      const change = { projection: name, stream, expected, seen: next, puts };
      const isDone = !isBehind && (await ports.views.commit(change)) === "committed";
      if (isDone) expected = next;
      (isDone ? replaced : again).push(...puts.map(({ collection, key }) => keyOf(collection, key)));
    }
  });
  return { again, replaced };
}

/**
 * Makes the documents of a projection equal to what its facts say; `tell` hears how far it is. Collections that the projection does
 * not write any more are left as they are. Memory: the documents of the projection.
 * Throws ABORTED when documents still differ after many looks: then run it again.
 */
export async function rebuildLive(
  ports: LiveRebuildPorts,
  projection: Projection,
  tell: (soFar: LiveRebuild & { readonly differing: number }) => void = () => undefined,
): Promise<LiveRebuild> {
  const fold: Fold = { documents: new Map(), versions: new Map(), after: undefined, facts: 0 };
  await foldOn(ports, projection, fold);
  let caughtUp = await catchUp(ports, projection, fold, fold.versions.keys());
  let open = await differing(ports, fold);
  let replaced = 0;
  const unproven = new Set<string>();
  const soFar = (): LiveRebuild => {
    const documents = [...fold.documents.values()].filter(({ text }) => text !== null).length;
    return { projection: projection.name, facts: fold.facts, documents, caughtUp, replaced };
  };
  for (let look = 1; look <= REBUILD_LOOKS_MAX; look++) {
    tell({ ...soFar(), differing: open.length });
    if (open.length === 0) {
      if (unproven.size === 0) return soFar();
      await ports.clock.sleep(REBUILD_PROOF_MS);
      open = [...unproven];
      unproven.clear();
    } else if (look > 1) await ports.clock.sleep(LOOK_PAUSE_MS);
    const done = await replace(ports, projection, fold, open);
    replaced += done.replaced.length;
    for (const id of done.replaced) unproven.add(id);
    open = done.again;
    const streams = new Set(open.flatMap((id) => fold.documents.get(id)?.stream ?? []));
    caughtUp += await catchUp(ports, projection, fold, streams);
  }
  throw new ControlPlaneError(
    "ABORTED",
    `Documents of the view ${projection.name} still differ after ${REBUILD_LOOKS_MAX} looks. Rebuild it again.`,
    { reason: "VIEW_CONTENDED", metadata: { projection: projection.name } },
  );
}
