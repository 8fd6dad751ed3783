// Which versions streams are known to have reached. A stream only grows, so what was seen once stays true, and most appends
// need not look whether the version that they expect is there.
import type { Store } from "./firestore.ts";
import { LEDGER_COLLECTIONS, type Slot, slotId } from "./ledger-documents.ts";

/** Streams whose version is remembered; the ones that were seen longest ago are forgotten first. */
export const KNOWN_VERSIONS_MAX = 10_000;

/** What this process knows of the length of streams. */
export interface KnownVersions {
  /** Remembers that the stream has this version. */
  saw(stream: string, version: number): void;
  /** Whether the stream is known to have this version. */
  knows(stream: string, version: number): boolean;
  /** Whether the stream has this version: from memory, else by looking. */
  reached(stream: string, version: number): Promise<boolean>;
  /** The last version, by looking; 0 for an unknown stream. */
  last(stream: string): Promise<number>;
}

/** A memory of its own for one process. */
export function createKnownVersions(store: Store): KnownVersions {
  const known = new Map<string, number>();
  const slots = store.db.collection(LEDGER_COLLECTIONS.slots);
  const saw = (stream: string, version: number): void => {
    const before = known.get(stream) ?? 0;
    known.delete(stream);
    known.set(stream, Math.max(before, version));
    if (known.size > KNOWN_VERSIONS_MAX) known.delete(known.keys().next().value ?? "");
  };
  const knows = (stream: string, version: number): boolean => version <= (known.get(stream) ?? 0);
  return {
    saw,
    knows,
    async reached(stream, version) {
      if (knows(stream, version)) return true;
      const slot = await store.get(
        `Looking for version ${version} of ${stream}`,
        slots.doc(slotId(stream, version)),
      );
      if (slot.exists) saw(stream, version);
      return slot.exists;
    },
    async last(stream) {
      // Not by the document's name, whose last part is the version: Firestore has no index of names downwards.
      const query = slots.where("stream", "==", stream).orderBy("version", "desc").limit(1);
      const [slot] = await store.query(`Looking for the end of ${stream}`, query);
      return (slot?.data() as Slot | undefined)?.version ?? 0;
    },
  };
}
