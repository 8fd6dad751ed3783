// What is known of the commits of one repository without asking Git again: an object id names its content, for ever.
import { LRUCache } from "lru-cache";
import type { GitObject } from "./code-host-objects.ts";

/** Commits of one repository whose tree, and whose place in the order of merges, is remembered. */
export const COMMITS_REMEMBERED_MAX = 10_000;

/** What a commit says of itself. */
export interface Commit {
  readonly tree: string;
  readonly parents: readonly string[];
}

const HEAD = /^tree ([0-9a-f]{40,64})\n((?:parent [0-9a-f]{40,64}\n)*)/;

/** Reads the head of a commit object (git-cat-file(1)); undefined for any other object. */
export function parseCommit({ type, content }: GitObject): Commit | undefined {
  const [, tree, parents = ""] = (type === "commit" ? HEAD.exec(content.toString("latin1")) : null) ?? [];
  if (tree === undefined) return undefined;
  return { tree, parents: [...parents.matchAll(/[0-9a-f]{40,64}/g)].map(([id]) => id) };
}

/** Memory of one repository. */
export interface CommitMemory {
  /** The commit; undefined when it is none, is missing, or could not be read in the quick way. */
  commit(id: string): Promise<Commit | undefined>;
  /** Commits on the way back by first parent, itself included, where that follows from what is known. */
  firstParentCount(id: string): Promise<number | undefined>;
  /** Remembers such a count. */
  counted(id: string, count: number): void;
  /** The tree of a commit, or the tree itself where it is known as one. */
  rootOf(id: string): Promise<string | undefined>;
  /** Remembers that this is the id of a tree. */
  isTree(id: string): void;
}

/** A memory over one way to read objects. */
export function createCommitMemory(read: (id: string) => Promise<GitObject | undefined>): CommitMemory {
  const commits = new LRUCache<string, Commit>({ max: COMMITS_REMEMBERED_MAX });
  const counts = new LRUCache<string, number>({ max: COMMITS_REMEMBERED_MAX });
  const trees = new LRUCache<string, true>({ max: COMMITS_REMEMBERED_MAX });
  const commit = async (id: string): Promise<Commit | undefined> => {
    const known = commits.get(id);
    if (known !== undefined) return known;
    const object = await read(id);
    const found = object === undefined ? undefined : parseCommit(object);
    if (found !== undefined) commits.set(id, found);
    return found;
  };
  return {
    commit,
    async firstParentCount(id) {
      const known = counts.get(id);
      if (known !== undefined) return known;
      // Nothing is known here yet: Git counts, which costs one process where a look at the commit would cost another.
      if (counts.size === 0) return undefined;
      const [parent] = (await commit(id))?.parents ?? [];
      const before = parent === undefined ? undefined : counts.get(parent);
      if (before === undefined) return undefined;
      counts.set(id, before + 1);
      return before + 1;
    },
    counted: (id, count) => void counts.set(id, count),
    rootOf: async (id) => (trees.has(id) ? id : (await commit(id))?.tree),
    isTree: (id) => void trees.set(id, true),
  };
}
