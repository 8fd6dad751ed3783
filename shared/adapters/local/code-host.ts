// Bare repositories on this machine, read with the Git command line. Checks and comments are in code-host-checks.ts.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import { ControlPlaneError, invalidArgument, notFound } from "../../domain/errors.ts";
import { compareBytes } from "../../domain/terraform-files.ts";
import type { CodeHost, TestMerge, TreeEntry } from "../../ports/code-host.ts";
import { TREE_ENTRIES_REMEMBERED_MAX } from "../../runtime/remembered-code-host.ts";
import { type CommitMemory, createCommitMemory } from "./code-host-commits.ts";
import { createGit, type Git, gitOutput, requireObjectId } from "./code-host-git.ts";
import { createObjectReader } from "./code-host-objects.ts";

/** Files of one tree. */
export const TREE_FILES_MAX = 200_000;
/** Commits that are looked at for their authors. */
export const HISTORY_COMMITS_MAX = 10_000;

/** Repositories whose commits are remembered. */
export const REPOSITORIES_REMEMBERED_MAX = 100;

/** Where the repositories are. */
export interface LocalCodeHostOptions {
  /** Folder with a bare repository `<owner>/<name>.git` for each `owner/name`. */
  readonly root: string;
  /** PATH in which `git` is found. */
  readonly path: string;
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/** The folder of a repository; refuses names that would lead elsewhere. */
export function repositoryFolder(root: string, repository: string): string {
  const parts = repository.split("/");
  if (parts.length === 2 && parts.every((part) => NAME.test(part) && !part.endsWith(".git"))) {
    return `${join(root, ...parts)}.git`;
  }
  const shown = JSON.stringify(repository.slice(0, 80));
  throw invalidArgument("repository", `repository is ${shown}: write it as owner/name.`, "INVALID_NAME");
}

/** `mode type id size<TAB>path` of `ls-tree -z -l -r`. */
function parseTree(output: Buffer): TreeEntry[] {
  const lines = new TextDecoder("utf-8", { fatal: true }).decode(output).split("\0").slice(0, -1);
  return lines.map((line) => {
    const tab = line.indexOf("\t");
    const [mode = "", , objectId = "", size = "0"] = line.slice(0, tab).split(/ +/);
    return { path: line.slice(tab + 1), mode, objectId, size: size === "-" ? 0 : Number(size) };
  });
}

async function listTree(git: Git, repository: string, tree: string): Promise<readonly TreeEntry[]> {
  const id = requireObjectId("tree", tree);
  const output = await gitOutput(
    git,
    ["ls-tree", "-r", "-z", "-l", "--full-tree", id],
    `${repository}@${id}`,
  );
  let entries: TreeEntry[];
  try {
    entries = parseTree(output);
  } catch (cause) {
    const message = `A path in ${repository}@${id} is not UTF-8: rename the file.`;
    throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "PATH_NOT_UTF8", cause });
  }
  if (entries.length > TREE_FILES_MAX) {
    const message = `${repository}@${id} has ${entries.length} files; at most ${TREE_FILES_MAX} are read.`;
    throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "TREE_TOO_LARGE" });
  }
  return entries.sort((one, other) => compareBytes(one.path, other.path));
}

/** `git merge-tree --write-tree`: exit 0 and a tree id, or exit 1 and the paths in conflict. It writes objects, never refs. */
async function testMerge(git: Git, repository: string, base: string, head: string): Promise<TestMerge> {
  const ids = [requireObjectId("base", base), requireObjectId("head", head)];
  for (const id of ids) await gitOutput(git, ["cat-file", "-e", `${id}^{commit}`], `${repository}@${id}`);
  const args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ...ids];
  const { code, stdout, stderr } = await git(args);
  const [tree = "", ...paths] = stdout
    .toString("utf8")
    .split("\0")
    .filter((part) => part !== "");
  if (code === 0 && tree !== "") return { kind: "merged", tree };
  if (code === 1 && tree !== "") return { kind: "conflict", paths: [...new Set(paths)] };
  if (/unrelated histories/.test(stderr)) return { kind: "conflict", paths: [] };
  const message = `git merge-tree failed for ${repository}: ${stderr.slice(0, 500)}`;
  throw new ControlPlaneError("UNAVAILABLE", message, { reason: "GIT_FAILED" });
}

async function history(git: Git, memory: CommitMemory, repository: string, base: string, head: string) {
  const [from, to] = [requireObjectId("base", base), requireObjectId("head", head)];
  const known = from === to ? await memory.firstParentCount(to) : undefined;
  if (known !== undefined) return { mergeBase: to, people: [], firstParentCount: known };
  const what = `${repository}@${from}..${to}`;
  const text = async (args: readonly string[]) => (await gitOutput(git, args, what)).toString("utf8").trim();
  // A tree or a blob is no error to rev-list: it has no commits.
  const [count, found] = await Promise.all([
    text(["rev-list", "--count", "--first-parent", to, "--"]),
    text(["rev-list", "--no-walk", from, "--"]),
  ]);
  const missing = count === "0" ? to : found === "" ? from : undefined;
  if (missing !== undefined)
    throw notFound(`${repository}@${missing}`, "It is no commit: send the id of one.");
  const firstParentCount = Number(count);
  // Of a tag it would be remembered under a name that no commit has as its parent.
  memory.counted(to, firstParentCount);
  if (from === to) return { mergeBase: to, people: [], firstParentCount };
  const merge = await git(["merge-base", from, to]);
  if (merge.code !== 0) {
    const message = `${what} have no commit in common: base the branch on the default branch.`;
    throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "UNRELATED_HISTORIES" });
  }
  const mergeBase = merge.stdout.toString("utf8").trim();
  const limit = `--max-count=${HISTORY_COMMITS_MAX + 1}`;
  const people = await text(["log", limit, "-z", "--format=%ae%x00%ce", `${mergeBase}..${to}`, "--"]);
  const names = people.split("\0").filter((name) => name !== "");
  if (names.length > 2 * HISTORY_COMMITS_MAX) {
    const message = `${what} has more than ${HISTORY_COMMITS_MAX} commits: base the branch on a newer commit.`;
    throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "HISTORY_TOO_LONG" });
  }
  return { mergeBase, people: [...new Set(names)].sort(), firstParentCount };
}

/** Reads bare repositories. The version of Git is checked by requireGit (code-host-git.ts). */
export function createLocalCodeHost(options: LocalCodeHostOptions): CodeHost {
  const readObject = createObjectReader(options.path);
  const memories = new LRUCache<string, CommitMemory>({ max: REPOSITORIES_REMEMBERED_MAX });
  // By the id of the tree: what a merge commit holds is mostly the tree of its test merge, which the plan has listed.
  const listings = new LRUCache<string, readonly TreeEntry[]>({
    maxSize: TREE_ENTRIES_REMEMBERED_MAX,
    sizeCalculation: (entries) => entries.length + 1,
  });
  const memoryOf = (folder: string): CommitMemory => {
    const known = memories.get(folder);
    if (known !== undefined) return known;
    const fresh = createCommitMemory((id) => readObject(folder, id));
    memories.set(folder, fresh);
    return fresh;
  };
  const open = async (repository: string): Promise<{ readonly git: Git; readonly memory: CommitMemory }> => {
    const folder = repositoryFolder(options.root, repository);
    const isFolder = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder) throw notFound(repository, `Create the bare repository ${folder} first.`);
    return { git: createGit(folder, options.path), memory: memoryOf(folder) };
  };
  const tree = async (repository: string, id: string): Promise<readonly TreeEntry[]> => {
    const { git, memory } = await open(repository);
    requireObjectId("tree", id);
    // Whoever has listed nothing yet, such as a build, gains nothing by asking which tree a commit has.
    const root = listings.size === 0 ? undefined : await memory.rootOf(id);
    const key = `${repository} ${root ?? id}`;
    const known = listings.get(key);
    if (known !== undefined) return known;
    const entries = await listTree(git, repository, id);
    listings.set(key, entries);
    return entries;
  };
  return {
    tree,
    blob: async (repository, objectId) => {
      const id = requireObjectId("objectId", objectId);
      const { git } = await open(repository);
      return new Uint8Array(await gitOutput(git, ["cat-file", "blob", id], `${repository}@${id}`));
    },
    testMerge: async (repository, base, head) => {
      const { git, memory } = await open(repository);
      const merged = await testMerge(git, repository, base, head);
      if (merged.kind === "merged") memory.isTree(merged.tree);
      return merged;
    },
    history: async (repository, base, head) => {
      const { git, memory } = await open(repository);
      return history(git, memory, repository, base, head);
    },
  };
}
