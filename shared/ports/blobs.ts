/**
 * Immutable bytes by content. Law: `put` answers `sha256:<hex>` of the bytes; putting the same bytes twice is one blob;
 * `get` verifies the digest and throws INTERNAL when the bytes are not what their name says, NOT_FOUND when absent.
 */
export interface Blobs {
  put(bytes: Uint8Array): Promise<string>;
  get(digest: string): Promise<Uint8Array>;
}
