// Bare repositories with known content, made with plumbing commands: no working copy, no user configuration.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** What a commit changes. */
export interface CommitContent {
  readonly parent?: string;
  /** Path → text, or mode and text; undefined removes the file. */
  readonly files: Readonly<
    Record<string, string | { readonly mode: string; readonly text: string } | undefined>
  >;
  readonly author?: string;
  readonly committer?: string;
}

const git = (
  repository: string,
  args: readonly string[],
  input = "",
  more: Readonly<Record<string, string>> = {},
): string =>
  execFileSync("git", ["--git-dir", repository, ...args], {
    input,
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"] ?? "",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      ...more,
    },
    stdio: ["pipe", "pipe", "pipe"],
  }).trim();

/** Makes an empty bare repository `<root>/<owner>/<name>.git` and answers its folder. */
export function createRepository(root: string, name: string): string {
  const repository = `${join(root, name)}.git`;
  mkdirSync(repository, { recursive: true });
  git(repository, ["init", "--quiet", "--bare", "--initial-branch=main"]);
  return repository;
}

/** Adds a commit and answers its id. No reference is moved. */
export function commitFiles(
  repository: string,
  { parent, files, author = "test", committer = author }: CommitContent,
): string {
  const index = join(repository, `index-${process.pid}-${Math.floor(performance.now() * 1_000)}`);
  const env = { GIT_INDEX_FILE: index };
  if (parent !== undefined) git(repository, ["read-tree", parent], "", env);
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) {
      git(repository, ["update-index", "--force-remove", "--", path], "", env);
      continue;
    }
    const { mode, text } = typeof content === "string" ? { mode: "100644", text: content } : content;
    const blob = git(repository, ["hash-object", "-w", "--stdin"], text);
    git(repository, ["update-index", "--add", "--cacheinfo", `${mode},${blob},${path}`], "", env);
  }
  const tree = git(repository, ["write-tree"], "", env);
  const people = {
    GIT_AUTHOR_NAME: author,
    GIT_AUTHOR_EMAIL: `${author}@example.test`,
    GIT_AUTHOR_DATE: "2026-01-01T00:00:00Z",
    GIT_COMMITTER_NAME: committer,
    GIT_COMMITTER_EMAIL: `${committer}@example.test`,
    GIT_COMMITTER_DATE: "2026-01-01T00:00:00Z",
  };
  return git(
    repository,
    ["commit-tree", tree, ...(parent === undefined ? [] : ["-p", parent]), "-m", "change"],
    "",
    people,
  );
}
