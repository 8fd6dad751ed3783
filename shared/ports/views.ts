/** A JSON document of a read model. */
export type ViewDocument = Readonly<Record<string, unknown>>;

/** A document as it was read. */
export interface ReadDocument {
  /** Undefined: there is none. */
  readonly document: ViewDocument | undefined;
  /** Tells whether it is still the same; null: there is none. */
  readonly etag: string | null;
}

/** One change of a read model; `document: null` deletes. */
export interface ViewPut {
  readonly collection: string;
  readonly key: string;
  readonly document: ViewDocument | null;
  /** Of the read that this was made from. Left out: whatever is there is replaced. */
  readonly etag?: string | null;
}

/** Which documents to list: keys in ascending or descending byte order. */
export interface ViewQuery {
  readonly collection: string;
  /** Only keys with this prefix. */
  readonly prefix?: string;
  /** Only keys strictly after this one in the listing's order. */
  readonly after?: string;
  readonly limit: number;
  readonly order?: "ascending" | "descending";
}

/**
 * Read models: documents by collection and key, and per projection and stream the last version that was applied.
 * Law: a commit is atomic and applies only at the expected seen version, and while every document that its puts name by their ETag is
 * as it was read; documents are returned as they were put.
 */
export interface Views {
  read(collection: string, key: string): Promise<ReadDocument>;
  get(collection: string, key: string): Promise<ViewDocument | undefined>;
  list(query: ViewQuery): Promise<readonly { readonly key: string; readonly document: ViewDocument }[]>;
  /** The last stream version that the projection has applied; 0 at first. */
  seen(projection: string, stream: string): Promise<number>;
  /** Writes documents and the new seen version. `stale`: another writer was first, with the stream or a document; nothing was written. */
  commit(change: {
    readonly projection: string;
    readonly stream: string;
    readonly expected: number;
    readonly seen: number;
    readonly puts: readonly ViewPut[];
  }): Promise<"committed" | "stale">;
}
