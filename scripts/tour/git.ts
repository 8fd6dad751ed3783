// The tour's developer: a working clone that commits, pushes branches and merges them, with plain Git.
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Who writes a commit. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

/** A working clone of a bare repository. */
export interface Clone {
  readonly folder: string;
  git(...args: readonly string[]): Promise<string>;
  /** Commits everything in the folder as this author; answers the commit id. */
  commit(author: Author, message: string): Promise<string>;
}

function createClone(folder: string): Clone {
  const git = async (...args: readonly string[]): Promise<string> =>
    (
      await run("git", [...args], { cwd: folder, env: { ...process.env, GIT_TERMINAL_PROMPT: "0" } })
    ).stdout.trim();
  return {
    folder,
    git,
    commit: async ({ name, email }, message) => {
      await git("add", "--all");
      await git(
        "-c",
        `user.name=${name}`,
        "-c",
        `user.email=${email}`,
        "commit",
        "--quiet",
        "--message",
        message,
      );
      return git("rev-parse", "HEAD");
    },
  };
}

/** A bare repository with a working clone beside it, both new. */
export async function createRepository(bare: string, folder: string): Promise<Clone> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(bare, { recursive: true });
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", bare]);
  await run("git", ["clone", "--quiet", bare, folder], { env: { ...process.env, GIT_TERMINAL_PROMPT: "0" } });
  const clone = createClone(folder);
  await clone.git("checkout", "--quiet", "-B", "main");
  return clone;
}

/** Copies files of the example into the clone. */
export async function copyInto(clone: Clone, from: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) await cp(join(from, path), join(clone.folder, path), { recursive: true });
}

/** Rewrites one file of the clone. */
export async function edit(clone: Clone, path: string, change: (text: string) => string): Promise<void> {
  const file = join(clone.folder, path);
  await writeFile(file, change(await readFile(file, "utf8")));
}
