/** Reason of the UNAVAILABLE that says: somebody computes this digest, ask again. */
export const DIGEST_NOT_KNOWN_YET = "DIGEST_NOT_KNOWN_YET";

/**
 * Model artifacts and datasets by URI (a file or a folder).
 * Law: only URIs under configured roots (`file:`, or `gs:` on Google Cloud), never through a symlink or `..`; PERMISSION_DENIED otherwise.
 */
export interface Artifacts {
  /**
   * `sha256:…` of a file, `tree-sha256:…` of a folder; NOT_FOUND when nothing is there. UNAVAILABLE `DIGEST_NOT_KNOWN_YET` for what is
   * too large to be read while somebody waits: asking has seen to it that it is computed.
   */
  digest(uri: string): Promise<string>;
  /** A local path at which a process may read the artifact. */
  path(uri: string): Promise<string>;
}
