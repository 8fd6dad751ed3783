/**
 * Model artifacts and datasets by URI (a file or a folder).
 * Law: only URIs under configured roots (embedded mode: `file:`), never through a symlink or `..`; PERMISSION_DENIED otherwise.
 */
export interface Artifacts {
  /** `sha256:…` of a file, `tree-sha256:…` of a folder; NOT_FOUND when nothing is there. */
  digest(uri: string): Promise<string>;
  /** A local path at which a process may read the artifact. */
  path(uri: string): Promise<string>;
}
