// A code host whose trees and blobs are asked for once: an object id names its content, so what was read stays true. A merge
// reads the same files as the plan before it, and so costs a process, or a call over the network, less for each of them.
import { LRUCache } from "lru-cache";
import type { CodeHost, TreeEntry } from "../ports/code-host.ts";

/** Entries of trees that are remembered, all trees together: about 30 MB. */
export const TREE_ENTRIES_REMEMBERED_MAX = 200_000;
/** Bytes of blobs that are remembered. */
export const BLOB_BYTES_REMEMBERED_MAX = 16 * 1024 * 1024;

/**
 * The same code host with a memory. Calls for the same object that are under way share one answer; errors are not remembered.
 * `head` of a history may be a branch's newest commit, yet both ends are ids: only what is asked by id is kept.
 */
export function rememberedCodeHost(codeHost: CodeHost): CodeHost {
  const trees = new LRUCache<string, readonly TreeEntry[]>({
    maxSize: TREE_ENTRIES_REMEMBERED_MAX,
    sizeCalculation: (tree) => tree.length + 1,
    fetchMethod: (key) => codeHost.tree(...parts(key)),
  });
  const blobs = new LRUCache<string, Uint8Array>({
    maxSize: BLOB_BYTES_REMEMBERED_MAX,
    sizeCalculation: (blob) => blob.byteLength + 1,
    fetchMethod: (key) => codeHost.blob(...parts(key)),
  });
  return {
    ...codeHost,
    tree: (repository, tree) => trees.forceFetch(`${repository} ${tree}`),
    blob: (repository, objectId) => blobs.forceFetch(`${repository} ${objectId}`),
  };
}

/** Neither a repository's name nor an object id has a space in it. */
function parts(key: string): readonly [string, string] {
  const at = key.lastIndexOf(" ");
  return [key.slice(0, at), key.slice(at + 1)];
}
