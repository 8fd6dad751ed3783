// A read model made again from the first fact on.
import { ControlPlaneError } from "../domain/errors.ts";
import type { AnyFact } from "../domain/fact.ts";
import type { ViewDocument, ViewPut } from "../ports/views.ts";
import type { Projection, ProjectorPorts } from "./project.ts";

/** Facts read from the ledger at once. */
const FACTS_PER_PAGE_MAX = 500;
/** Documents read from the old view at once. */
const DOCUMENTS_PER_PAGE_MAX = 500;
/** Facts that one rebuild may read. */
export const REBUILD_FACTS_MAX = 5_000_000;

/** A document of a view in one text, by which maps know it. */
export const keyOf = (collection: string, key: string): string => `${collection}\n${key}`;

/** All facts of the ledger, oldest first. */
async function* allFacts({ ledger }: ProjectorPorts): AsyncGenerator<AnyFact> {
  let after: string | undefined;
  for (let read = 0; read < REBUILD_FACTS_MAX; read += FACTS_PER_PAGE_MAX) {
    const query = { limit: FACTS_PER_PAGE_MAX, order: "oldest-first" as const };
    const { facts, next } = await ledger.list(after === undefined ? query : { ...query, after });
    yield* facts;
    if (next === undefined) return;
    after = next;
  }
  throw new ControlPlaneError(
    "RESOURCE_EXHAUSTED",
    `The ledger holds more than ${REBUILD_FACTS_MAX} facts. Rebuild in parts.`,
    {
      reason: "REBUILD_TOO_LARGE",
    },
  );
}

/** Deletions of what the old view holds and the new one does not. */
async function leftovers(
  { views }: ProjectorPorts,
  collection: string,
  fresh: ReadonlySet<string>,
): Promise<readonly ViewPut[]> {
  const found: ViewPut[] = [];
  for (let after: string | undefined; ;) {
    const query = { collection, limit: DOCUMENTS_PER_PAGE_MAX };
    const page = await views.list(after === undefined ? query : { ...query, after });
    for (const { key } of page)
      if (!fresh.has(keyOf(collection, key))) found.push({ collection, key, document: null });
    after = page.at(-1)?.key;
    if (page.length < DOCUMENTS_PER_PAGE_MAX) return found;
  }
}

/**
 * Folds all facts in memory, then replaces the documents in one commit. A rebuild that is cut off leaves old documents behind
 * newer seen versions: do it again. Collections that the projection does not write any more are left as they are.
 * Memory: the documents of the projection.
 */
export async function rebuildViews(ports: ProjectorPorts, projection: Projection): Promise<void> {
  const documents = new Map<string, ViewPut>();
  const versions = new Map<string, number>();
  const read = async (collection: string, key: string): Promise<ViewDocument | undefined> => {
    const document = documents.get(keyOf(collection, key))?.document ?? undefined;
    // What apply changes in place must not change what was put before.
    return document === undefined ? undefined : structuredClone(document);
  };
  for await (const fact of allFacts(ports)) {
    versions.set(fact.subject, fact.version);
    if (!projection.types.includes(fact.type)) continue;
    for (const put of await projection.apply(fact, read))
      documents.set(keyOf(put.collection, put.key), structuredClone(put));
  }
  const kept = [...documents.values()].filter(({ document }) => document !== null);
  const fresh = new Set(kept.map(({ collection, key }) => keyOf(collection, key)));
  const collections = new Set([...documents.values()].map(({ collection }) => collection));
  const gone = await Promise.all([...collections].map((collection) => leftovers(ports, collection, fresh)));
  await replace(ports, projection.name, versions, [...gone.flat(), ...kept]);
}

/** Seen versions first: were they late, a fact could be applied twice to the new documents. */
async function replace(
  { views }: ProjectorPorts,
  projection: string,
  versions: ReadonlyMap<string, number>,
  puts: readonly ViewPut[],
): Promise<void> {
  const moves = [...versions].map(([stream, seen]) => ({ stream, seen, puts: [] as readonly ViewPut[] }));
  const marker = { stream: "rebuild", seen: (await views.seen(projection, "rebuild")) + 1, puts };
  for (const { stream, seen, puts } of [...moves, marker]) {
    const expected = await views.seen(projection, stream);
    if ((await views.commit({ projection, stream, expected, seen, puts })) === "stale") {
      throw new ControlPlaneError(
        "ABORTED",
        `Another process writes the view ${projection}. Stop it and rebuild again.`,
        {
          reason: "VIEW_CONTENDED",
          metadata: { projection, stream },
        },
      );
    }
  }
}
