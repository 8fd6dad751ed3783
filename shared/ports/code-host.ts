/** One entry of a commit's tree. */
export interface TreeEntry {
  readonly path: string;
  /** Git mode: `100644`, `100755`, `120000` (symlink), `160000` (submodule). */
  readonly mode: string;
  readonly objectId: string;
  readonly size: number;
}

/** The test merge of a pull request. */
export type TestMerge =
  | { readonly kind: "merged"; readonly tree: string }
  | { readonly kind: "conflict"; readonly paths: readonly string[] };

/** Reads of repositories. `tree` arguments are commits or tree ids. Law: same id, same answer; unknown ids are NOT_FOUND. */
export interface CodeHost {
  /** All files of a tree, byte-sorted by path. */
  tree(repository: string, tree: string): Promise<readonly TreeEntry[]>;
  /** Content of blobs by object id. */
  blob(repository: string, objectId: string): Promise<Uint8Array>;
  /** What merging head into base would give, without touching either. */
  testMerge(repository: string, base: string, head: string): Promise<TestMerge>;
  /** Facts about commits on the way from base to head: who wrote them, and how many commits the branch's first-parent history has. */
  history(
    repository: string,
    base: string,
    head: string,
  ): Promise<{
    readonly mergeBase: string;
    /** Logins or e-mail addresses of authors and committers since the merge base. */
    readonly people: readonly string[];
    /** Number of commits reachable by first parent from head: the merge order. */
    readonly firstParentCount: number;
  }>;
}
