// What a build that computes a digest and whoever waits for it share: two small objects (see build-objects.ts for their law).

/** Objects of one digest, by what they are. */
export const DIGEST_OBJECTS = {
  /** DigestOrderObject; created once, before the first build is. */
  order: "order.json",
  /** DigestResultObject; created once: the order names exact contents, so every build comes to the same. */
  result: "result.json",
} as const;

/** What to read: exactly these contents. */
export interface DigestOrderObject {
  readonly uri: string;
  readonly bucket: string;
  readonly isFolder: boolean;
  readonly files: readonly {
    /** From the folder; empty for an artifact that is one file. */
    readonly path: string;
    readonly isExecutable: boolean;
    readonly object: {
      readonly name: string;
      readonly generation: string;
      readonly size: number;
      readonly crc32c: string;
    };
  }[];
}

/** What came of it. A failure is one that no other try would change. */
export type DigestResultObject =
  | { readonly digest: string }
  | { readonly failure: { readonly code: "NOT_FOUND" | "FAILED_PRECONDITION"; readonly message: string } };

/** The name of an object of a digest. */
export const digestObject = (id: string, object: keyof typeof DIGEST_OBJECTS): string =>
  `${id}/${DIGEST_OBJECTS[object]}`;
