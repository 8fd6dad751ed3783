// The folder in which a model server runs: a directory of the repository at a commit, written out once.
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { failedPrecondition, invalidArgument } from "../../domain/errors.ts";
import { shortHash } from "../../domain/fact.ts";
import { repositoryPathProblem } from "../../domain/repository-path.ts";
import { repositoryFolder } from "./code-host.ts";
import { createGit, gitOutput, requireObjectId, type Git } from "./code-host-git.ts";
import { fileErrorCode } from "./file-errors.ts";

/** Files of one serving directory; models are artifacts and do not lie there. */
export const CHECKOUT_FILES_MAX = 1_000;

/** Answers a folder that holds the directory as it is at the commit. The folder is shared and must not be written to. */
export type Checkout = (repository: string, commit: string, directory: string) => Promise<string>;

/** Where repositories and checked-out folders lie. */
export interface CheckoutOptions {
  /** Folder of the bare repositories, as the code host has them. */
  readonly repositories: string;
  /** Folder for checked-out directories; may be emptied while nothing runs. */
  readonly cache: string;
  /** PATH in which Git is looked for. */
  readonly path: string;
}

interface TreeFile {
  readonly executable: boolean;
  readonly objectId: string;
  readonly path: string;
}

/** The files below a tree. Links are refused, for they may lead out of the folder; so are submodules, which are not here. */
async function listFiles(git: Git, tree: string, what: string): Promise<readonly TreeFile[]> {
  const output = await gitOutput(git, ["ls-tree", "-r", "-z", "--full-tree", tree], what);
  const entries = output
    .toString("utf8")
    .split("\0")
    .filter((entry) => entry !== "");
  if (entries.length > CHECKOUT_FILES_MAX) {
    throw failedPrecondition(
      "CHECKOUT_TOO_LARGE",
      `${what} has ${entries.length} files and at most ${CHECKOUT_FILES_MAX} are checked out: move what does not serve elsewhere.`,
    );
  }
  return entries.map((entry) => {
    const [, mode = "", objectId = "", path = ""] = /^(\d{6}) \w+ ([0-9a-f]+)\t(.+)$/s.exec(entry) ?? [];
    const problem = repositoryPathProblem(path);
    if (!["100644", "100755"].includes(mode) || problem !== undefined) {
      const why = problem === undefined ? "is a link or a submodule" : problem;
      throw failedPrecondition(
        "CHECKOUT_REFUSED",
        `${path} in ${what} ${why}, and only plain files are checked out: replace it with a file.`,
        { path },
      );
    }
    return { executable: mode === "100755", objectId, path };
  });
}

async function writeFiles(git: Git, files: readonly TreeFile[], folder: string, what: string): Promise<void> {
  for (const { objectId, path, executable } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    const content = await gitOutput(git, ["cat-file", "blob", objectId], `${path} in ${what}`);
    await writeFile(target, content, { mode: executable ? 0o755 : 0o644, flag: "wx" });
  }
}

/** Checks out directories of bare repositories into a cache: written beside, then renamed, so that a half one is never used. */
export function createCheckout({ repositories, cache, path }: CheckoutOptions): Checkout {
  return async (repository, commit, directory) => {
    requireObjectId("commit", commit);
    const problem = repositoryPathProblem(directory);
    if (problem !== undefined)
      throw invalidArgument("directory", `The path ${JSON.stringify(directory)} ${problem}.`);
    const folder = join(cache, shortHash(repository, commit, directory));
    if ((await stat(folder).catch(() => undefined))?.isDirectory() === true) return folder;

    const git = createGit(repositoryFolder(repositories, repository), path);
    const what = `${directory} of ${repository} at ${commit.slice(0, 12)}`;
    const files = await listFiles(git, directory === "." ? commit : `${commit}:${directory}`, what);
    await mkdir(cache, { recursive: true, mode: 0o700 });
    const draft = await mkdtemp(join(cache, "draft-"));
    try {
      await writeFiles(git, files, draft, what);
      await rename(draft, folder);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      // Another call was first: its folder holds the same content.
      if (!["ENOTEMPTY", "EEXIST"].includes(fileErrorCode(error) ?? "")) throw error;
    }
    return folder;
  };
}
