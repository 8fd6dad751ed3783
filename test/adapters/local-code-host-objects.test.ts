// The kept `git cat-file`: how its output is read, that it spares processes, and that nothing depends on it.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  createAnswers,
  createObjectReader,
  type GitObject,
  OBJECT_BYTES_MAX,
} from "../../shared/adapters/local/code-host-objects.ts";
import { createLocalCodeHost } from "../../shared/adapters/local/code-host.ts";
import { commitFiles, createRepository } from "../support/git-repository.ts";

const GIT = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
const id = (letter: string): string => letter.repeat(40);

/** A repository, and a `git` on a PATH of its own that tells what it was asked; `script` is what it does then. */
function watched(script = `exec ${GIT} "$@"`) {
  const root = mkdtempSync(join(tmpdir(), "signalbox-objects-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const [path, log] = [join(root, "bin"), join(root, "log")];
  mkdirSync(path);
  writeFileSync(log, "");
  writeFileSync(
    join(path, "git"),
    `#!/bin/sh\nfor last in "$@"; do :; done\necho "$6 $last" >> ${log}\n${script}\n`,
  );
  chmodSync(join(path, "git"), 0o755);
  const repository = createRepository(root, "acme/platform");
  const commands = (): readonly string[] => readFileSync(log, "utf8").split("\n").slice(0, -1);
  return { root, path, repository, folder: join(root, "acme/platform.git"), commands };
}

test("answers are read whole however their bytes are cut", () => {
  const output = Buffer.from(
    `${id("a")} commit 5\nab\ncd\n${id("b")} missing\n${id("c")} blob 0\n\n${id("d")} tree 3\nx\ny\n`,
  );
  for (let size = 1; size <= output.length; size += 1) {
    const seen: (GitObject | undefined)[] = [];
    const take = createAnswers((object) => seen.push(object));
    for (let at = 0; at < output.length; at += size) expect(take(output.subarray(at, at + size))).toBe("ok");
    expect(seen.map((each) => each && `${each.type} ${each.content.toString()}`)).toEqual([
      "commit ab\ncd",
      undefined,
      "blob ",
      "tree x\ny",
    ]);
  }
});

test("what is no answer, or an object that is too large, ends the reading", () => {
  for (const output of [
    "fatal: not a repository\n",
    `${id("a")} blob ${OBJECT_BYTES_MAX + 1}\n`,
    "x".repeat(300),
  ])
    expect(createAnswers(() => undefined)(Buffer.from(output))).toBe("broken");
});

test("one process answers many questions, also for what is not there", async () => {
  const { path, repository, folder, commands } = watched();
  const commit = commitFiles(repository, { files: { "a.txt": "a\n" } });
  const read = createObjectReader(path);
  const [found, missing] = await Promise.all([read(folder, commit), read(folder, id("e"))]);
  expect(found?.type).toBe("commit");
  expect(missing).toBeUndefined();
  expect((await read(folder, commit))?.content).toEqual(found?.content);
  expect(commands()).toEqual(["cat-file --batch"]);
});

test("a large object is not read, and the next question is answered all the same", async () => {
  const { path, repository, folder } = watched();
  const commit = commitFiles(repository, { files: { large: "x".repeat(OBJECT_BYTES_MAX + 1) } });
  const blob = execFileSync(GIT, ["--git-dir", folder, "rev-parse", `${commit}:large`], { encoding: "utf8" });
  const read = createObjectReader(path);
  expect(await read(folder, blob.trim())).toBeUndefined();
  expect((await read(folder, commit))?.type).toBe("commit");
});

test("a Git that ends at once, or is not there, leaves every question open", async () => {
  const { path, folder } = watched("exit 1");
  const ends = createObjectReader(path);
  expect(await Promise.all([ends(folder, id("a")), ends(folder, id("b"))])).toEqual([undefined, undefined]);
  expect(await createObjectReader("/nonexistent")(folder, id("a"))).toBeUndefined();
});

test("a merge whose tree its plan has listed costs no process beside the kept one", async () => {
  const { root, path, repository, commands } = watched();
  const base = commitFiles(repository, { files: { "a.txt": "a\n" } });
  const head = commitFiles(repository, { parent: base, files: { "b.txt": "b\n" } });
  const codeHost = createLocalCodeHost({ root, path });
  const { firstParentCount } = await codeHost.history("acme/platform", base, base);
  const merged = await codeHost.testMerge("acme/platform", base, head);
  if (merged.kind !== "merged") throw new Error("The test's branches conflict.");
  const listed = await codeHost.tree("acme/platform", merged.tree);
  const before = commands().length;
  const merge = execFileSync(
    GIT,
    ["--git-dir", repository, "commit-tree", merged.tree, "-p", base, "-p", head, "-m", "merge"],
    { encoding: "utf8", env: { ...process.env, ...PERSON } },
  ).trim();
  expect(await codeHost.tree("acme/platform", merge)).toBe(listed);
  expect(await codeHost.history("acme/platform", merge, merge)).toEqual({
    mergeBase: merge,
    people: [],
    firstParentCount: firstParentCount + 1,
  });
  expect(commands().slice(before)).toEqual(["cat-file --batch"]);
});

test("the quick way and Git's own count say the same of every commit", async () => {
  const { root, repository } = watched();
  const commits = [commitFiles(repository, { files: { "a.txt": "0\n" } })];
  for (let number = 1; number < 5; number += 1)
    commits.push(
      commitFiles(repository, { parent: commits.at(-1) ?? "", files: { "a.txt": `${number}\n` } }),
    );
  const path = process.env["PATH"] ?? "";
  const warm = createLocalCodeHost({ root, path });
  const counts = [];
  for (const commit of commits)
    counts.push((await warm.history("acme/platform", commit, commit)).firstParentCount);
  expect(counts).toEqual([1, 2, 3, 4, 5]);
  const cold = await createLocalCodeHost({ root, path }).history(
    "acme/platform",
    commits[4] ?? "",
    commits[4] ?? "",
  );
  expect(cold.firstParentCount).toBe(5);
});

const PERSON = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com",
};
