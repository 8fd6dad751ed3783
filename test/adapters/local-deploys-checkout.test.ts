import { mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCheckout, type Checkout } from "../../shared/adapters/local/deploys-checkout.ts";
import { commitFiles, createRepository } from "../support/git-repository.ts";

let root: string;
let repository: string;
let checkout: Checkout;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "signalbox-checkout-"));
  repository = createRepository(join(root, "repos"), "acme/platform");
  checkout = createCheckout({
    repositories: join(root, "repos"),
    cache: join(root, "cache"),
    path: process.env["PATH"] ?? "",
  });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("a checked-out directory", () => {
  it("holds the files of that directory at that commit, with their modes", async () => {
    const first = commitFiles(repository, {
      files: { "serving/a/server.mjs": "one", "serving/a/lib/x.txt": "x", "other.txt": "no" },
    });
    const second = commitFiles(repository, {
      parent: first,
      files: { "serving/a/server.mjs": { mode: "100755", text: "two" } },
    });
    const folder = await checkout("acme/platform", first, "serving/a");
    expect((await readdir(folder, { recursive: true })).toSorted()).toEqual([
      "lib",
      "lib/x.txt",
      "server.mjs",
    ]);
    expect(await readFile(join(folder, "server.mjs"), "utf8")).toBe("one");
    const later = await checkout("acme/platform", second, "serving/a");
    expect(await readFile(join(later, "server.mjs"), "utf8")).toBe("two");
    expect((await stat(join(later, "server.mjs"))).mode & 0o111).not.toBe(0);
    expect(await readFile(join(await checkout("acme/platform", first, "."), "other.txt"), "utf8")).toBe("no");
  });

  it("is written once, also for callers at the same time", async () => {
    const id = commitFiles(repository, { files: { "serving/server.mjs": "one" } });
    const folders = await Promise.all(
      Array.from({ length: 4 }, () => checkout("acme/platform", id, "serving")),
    );
    expect(new Set(folders).size).toBe(1);
    expect(await readdir(join(root, "cache"))).toHaveLength(1);
  });

  it("holds no links, which could lead out of it", async () => {
    const id = commitFiles(repository, {
      files: { "serving/escape": { mode: "120000", text: "../../../etc/passwd" } },
    });
    await expect(checkout("acme/platform", id, "serving")).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "CHECKOUT_REFUSED",
    });
    expect(await readdir(root)).not.toContain("cache");
  });

  it.each([
    ["a commit that is none", "main", "serving", "INVALID_ARGUMENT"],
    ["a directory that leaves the repository", "f".repeat(40), "../serving", "INVALID_ARGUMENT"],
    ["a commit that is not there", "f".repeat(40), "serving", "NOT_FOUND"],
  ])("is refused for %s", async (_, id, directory, code) => {
    await expect(checkout("acme/platform", id, directory)).rejects.toMatchObject({ code });
  });

  it("is refused for a directory that the commit does not have", async () => {
    const id = commitFiles(repository, { files: { "a.txt": "a" } });
    await expect(checkout("acme/platform", id, "serving")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
