// Whole trees over the Git database API: in one request, or folder by folder when GitHub cuts the answer.
import { Type } from "typebox";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { TreeEntry } from "../../ports/code-host.ts";
import type { Send } from "./send.ts";

/** Files of one tree. */
export const TREE_FILES_MAX = 200_000;
/** Folders that are read one by one when the whole tree does not fit into an answer. */
export const TREE_FOLDERS_MAX = 2_000;
/** Trees that are remembered: what an object id names never changes. */
export const TREES_KNOWN_MAX = 16;

const TreeAnswer = Type.Object({
  truncated: Type.Optional(Type.Boolean()),
  tree: Type.Array(
    Type.Object({
      path: Type.String(),
      mode: Type.String(),
      type: Type.String(),
      sha: Type.String({ pattern: "^[0-9a-f]{40}(?:[0-9a-f]{24})?$" }),
      size: Type.Optional(Type.Integer({ minimum: 0 })),
    }),
  ),
});

interface Source {
  readonly send: Send;
  readonly owner: string;
  readonly repo: string;
}

const tooLarge = (what: string): ControlPlaneError =>
  new ControlPlaneError("FAILED_PRECONDITION", `${what} has more files or folders than are read.`, {
    reason: "TREE_TOO_LARGE",
  });

async function readOne({ send, owner, repo }: Source, id: string, recursive: boolean) {
  const { data } = await send(TreeAnswer, {
    route: "GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
    parameters: { owner, repo, tree_sha: id, ...(recursive ? { recursive: "1" } : {}) },
    what: `GitHub ${owner}/${repo} tree ${id}`,
  });
  return data;
}

/** All files under a tree or commit, unsorted. A cut answer is never taken for the whole. */
export async function readTree(source: Source, id: string): Promise<readonly TreeEntry[]> {
  const what = `${source.owner}/${source.repo}@${id}`;
  const files: TreeEntry[] = [];
  const folders: { readonly id: string; readonly prefix: string }[] = [{ id, prefix: "" }];
  for (let read = 0; ; read += 1) {
    const folder = folders.pop();
    if (folder === undefined) break;
    if (read >= TREE_FOLDERS_MAX) throw tooLarge(what);
    const whole = await readOne(source, folder.id, true);
    const isCut = whole.truncated === true;
    const { tree, truncated } = isCut ? await readOne(source, folder.id, false) : whole;
    if (isCut && truncated === true) throw tooLarge(what);
    for (const { path, mode, type, sha, size = 0 } of tree) {
      const full = `${folder.prefix}${path}`;
      if (full.includes("\uFFFD")) {
        const message = `A path in ${what} is not UTF-8: rename the file.`;
        throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "PATH_NOT_UTF8" });
      }
      if (type !== "tree") files.push({ path: full, mode, objectId: sha, size });
      else if (isCut) folders.push({ id: sha, prefix: `${full}/` });
    }
    if (files.length > TREE_FILES_MAX) throw tooLarge(what);
  }
  return files;
}
