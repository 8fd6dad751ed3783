import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createLocalChecks } from "../../shared/adapters/local/code-host-checks.ts";
import { requireGit } from "../../shared/adapters/local/code-host-git.ts";
import { createLocalCodeHost } from "../../shared/adapters/local/code-host.ts";
import { codeHostContract } from "../contracts/code-host.ts";
import { commitFiles, createRepository } from "../support/git-repository.ts";

const folders: string[] = [];
const path = process.env["PATH"] ?? "";
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

codeHostContract("the local code host", () => {
  const root = mkdtempSync(join(tmpdir(), "signalbox-repos-"));
  folders.push(root);
  const repository = createRepository(root, "acme/platform");
  const first = commitFiles(repository, {
    files: {
      "a.txt": "a\n",
      "B.txt": "B\n",
      "dir/ü b.txt": "u\n",
      "run.sh": { mode: "100755", text: "r\n" },
      link: { mode: "120000", text: "a.txt" },
    },
  });
  const head = commitFiles(repository, {
    parent: first,
    files: { "head.txt": "h\n" },
    author: "ada",
    committer: "carl",
  });
  const base = commitFiles(repository, { parent: first, files: { "base.txt": "b\n" } });
  const conflict = {
    base: commitFiles(repository, { parent: first, files: { "a.txt": "one\n" } }),
    head: commitFiles(repository, { parent: first, files: { "a.txt": "two\n" } }),
  };
  return Promise.resolve({
    codeHost: createLocalCodeHost({ root, path }),
    checks: createLocalChecks({ root }),
    repository: "acme/platform",
    first,
    head,
    base,
    conflict,
  });
});

test("a Git that can merge trees is accepted", async () => {
  expect(await requireGit(path)).toMatch(/^[0-9]+\.[0-9]+/);
});

test("a machine without Git is told what to install", async () => {
  await expect(requireGit("/nonexistent")).rejects.toThrow("install Git 2.38 or newer");
});

test("a Git that is too old is told which is needed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-git-"));
  folders.push(folder);
  mkdirSync(join(folder, "bin"));
  execFileSync("sh", ["-c", `printf '#!/bin/sh\\necho git version 2.37.1\\n' > git && chmod +x git`], {
    cwd: join(folder, "bin"),
  });
  await expect(requireGit(join(folder, "bin"))).rejects.toThrow(
    "Git is 2.37.1; test merges need 2.38 or newer",
  );
});
