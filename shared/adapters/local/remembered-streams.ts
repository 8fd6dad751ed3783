// The streams that were read last, as facts: a decision folds its stream from the start, and most streams are read many times.
// Facts never change, so only their number must be asked for again; what others appended meanwhile is read and added.
import { LRUCache } from "lru-cache";
import type { AnyFact } from "../../domain/fact.ts";
import type { Stream } from "../../ports/ledger.ts";
import type { Database } from "./database.ts";
import { FACT_COLUMNS, type FactRow, factOfRow } from "./fact-rows.ts";

/** Characters of JSON of all remembered streams together: about 50 MB of facts at the most. */
export const STREAM_CHARACTERS_REMEMBERED_MAX = 8_000_000;
/** What a fact costs beside its data. */
const FACT_CHARACTERS = 500;

interface Remembered extends Stream {
  readonly characters: number;
}

/** So that no reader changes what the next one reads. */
function deepFreeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

function factsBetween(db: Database, stream: string, after: number, last: number): readonly FactRow[] {
  return db.rows(
    `SELECT ${FACT_COLUMNS} FROM facts f WHERE stream = ? AND version > ? AND version <= ? ORDER BY version`,
    stream,
    after,
    last,
  ) as readonly FactRow[];
}

/**
 * Reads streams of this database. Facts of a remembered stream are the same objects at each reading, and frozen. A long stream
 * of which only the end is wanted is not remembered: its reader has a snapshot.
 */
export function rememberedStreams(db: Database): (stream: string, afterVersion: number) => Stream {
  const remembered = new LRUCache<string, Remembered>({
    maxSize: STREAM_CHARACTERS_REMEMBERED_MAX,
    sizeCalculation: ({ characters }) => characters,
  });
  const grown = (stream: string, before: Remembered, version: number): Remembered => {
    const rows = factsBetween(db, stream, before.version, version);
    const facts = rows.map(factOfRow);
    for (const fact of facts) deepFreeze(fact);
    const characters = rows.reduce((sum, { data }) => sum + data.length + FACT_CHARACTERS, before.characters);
    return { version, facts: [...before.facts, ...facts], characters };
  };
  return (stream, afterVersion) => {
    const row = db.row("SELECT version FROM streams WHERE stream = ?", stream) as
      | { readonly version: number }
      | undefined;
    const version = row?.version ?? 0;
    const known = remembered.get(stream);
    // A database that was put back under us has fewer facts, and perhaps others.
    const before = known !== undefined && known.version <= version ? known : undefined;
    if (before === undefined && afterVersion > 0)
      return { version, facts: factsBetween(db, stream, afterVersion, version).map(factOfRow) };
    if (version === 0) return { version, facts: [] };
    let now = before ?? { version: 0, facts: [] as readonly AnyFact[], characters: 1 };
    if (now.version !== version) {
      now = grown(stream, now, version);
      remembered.set(stream, now);
    }
    const { facts } = now;
    return {
      version,
      facts: afterVersion === 0 ? facts : facts.filter((fact) => fact.version > afterVersion),
    };
  };
}
