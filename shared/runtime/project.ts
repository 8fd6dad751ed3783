// Facts → read models. A view may be dropped and made again from the ledger at any time; a test keeps both equal.
import { ControlPlaneError } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import type { FactType } from "../domain/facts.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { ViewDocument, ViewPut, Views } from "../ports/views.ts";
import { keyOf, rebuildViews } from "./rebuild.ts";

/** How often a projector reads again when another process was first with a version. */
export const PROJECT_ATTEMPTS_MAX = 8;

/** Reads a document as it stands before the fact. */
export type ReadView = (collection: string, key: string) => Promise<ViewDocument | undefined>;

/**
 * What facts mean for documents. `apply` is called in the order of each stream, with each fact once; between streams no order
 * is promised, so what two streams write into one document must not depend on who was first. Only one projection writes a
 * collection.
 */
export interface Projection {
  readonly name: string;
  readonly types: readonly FactType[];
  apply(fact: AnyFact, read: ReadView): Promise<readonly ViewPut[]>;
}

/** Keeps read models up to date. */
export interface Projector {
  /** The types that any of the projections wants. */
  readonly inputs: readonly FactType[];
  /** Applies the fact and whatever of its stream was missed before it. An old or doubled fact changes nothing. */
  handle(fact: AnyFact): Promise<void>;
  /** Makes all documents again from the first fact on; no fact is applied in between. */
  rebuild(): Promise<void>;
}

/** What a projector reads and writes. */
export interface ProjectorPorts {
  readonly ledger: Ledger;
  readonly views: Views;
}

/** What the fact means, each change on the condition that the document it was made from is still the same. */
async function putsOf(views: Views, projection: Projection, fact: AnyFact): Promise<readonly ViewPut[]> {
  const etags = new Map<string, string | null>();
  const puts = await projection.apply(fact, async (collection, key) => {
    const { document, etag } = await views.read(collection, key);
    etags.set(keyOf(collection, key), etag);
    return document;
  });
  const last = new Map(puts.map((put) => [keyOf(put.collection, put.key), put]));
  return [...last].map(([id, put]) => {
    const etag = etags.get(id);
    return etag === undefined ? put : { ...put, etag };
  });
}

/** Brings one projection of one stream up to the fact. */
async function catchUp(
  { ledger, views }: ProjectorPorts,
  projection: Projection,
  fact: AnyFact,
): Promise<void> {
  const { name, types } = projection;
  const stream = fact.subject;
  for (let attempt = 1; attempt <= PROJECT_ATTEMPTS_MAX; attempt++) {
    let seen = await views.seen(name, stream);
    if (fact.version <= seen) return;
    // Ignored inputs take versions too, so a gap may hold no fact at all; only the ledger can tell.
    const missed = fact.version === seen + 1 ? { facts: [fact] } : await ledger.read(stream, seen);
    for (const next of missed.facts) {
      const puts = types.includes(next.type) ? await putsOf(views, projection, next) : [];
      const change = { projection: name, stream, expected: seen, seen: next.version, puts };
      if ((await views.commit(change)) === "stale") break;
      seen = next.version;
    }
    if (seen >= fact.version) return;
  }
  throw new ControlPlaneError(
    "ABORTED",
    `The view ${name} of ${stream} is written by another process. Try again.`,
    {
      reason: "VIEW_CONTENDED",
      metadata: { projection: name, stream },
    },
  );
}

/**
 * A projector for these projections. Facts of one projection are applied one after the other, because facts of different streams may
 * change the same document; a document that another process has changed meanwhile is read again.
 */
export function createProjector(ports: ProjectorPorts, projections: readonly Projection[]): Projector {
  const tails = new Map<string, Promise<unknown>>();
  const oneByOne = (name: string, work: () => Promise<void>): Promise<void> => {
    const mine = (tails.get(name) ?? Promise.resolve()).then(work, work);
    tails.set(name, mine);
    return mine;
  };
  return {
    inputs: [...new Set(projections.flatMap(({ types }) => types))],
    async handle(fact) {
      const wanted = projections.filter(({ types }) => types.includes(fact.type));
      await Promise.all(
        wanted.map((projection) => oneByOne(projection.name, () => catchUp(ports, projection, fact))),
      );
    },
    async rebuild() {
      await Promise.all(
        projections.map((projection) => oneByOne(projection.name, () => rebuildViews(ports, projection))),
      );
    },
  };
}
