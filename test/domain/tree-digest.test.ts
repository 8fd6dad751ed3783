// The digest of a folder's listing.
import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type TreeFile, treeDigest } from "../../shared/domain/tree-digest.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const file = (path: string, content = path, mode: TreeFile["mode"] = "100644"): TreeFile => ({
  path,
  mode,
  size: Buffer.byteLength(content),
  sha256: sha256(content),
});

test("is SHA-256 over mode, size, digest and path of each file, sorted by the bytes of the path", () => {
  const files = [file("b"), file("a/z", "x", "100755"), file("a.txt"), file("é"), file("z")];
  const lines = ["a.txt", "a/z", "b", "z", "é"].map((path) => {
    const { mode, size, sha256: hex } = files.find((each) => each.path === path) ?? file("?");
    return `${mode} ${size} ${hex} ${path}\n`;
  });
  expect(treeDigest(files)).toBe(`tree-sha256:${sha256(lines.join(""))}`);
  expect(treeDigest([])).toBe(`tree-sha256:${sha256("")}`);
});

test("sorts by bytes of UTF-8, not by units of UTF-16", () => {
  const [rocket, fullwidth] = [file("🚂"), file("\uFF5E")];
  const lines = [fullwidth, rocket].map(
    ({ mode, size, sha256: hex, path }) => `${mode} ${size} ${hex} ${path}\n`,
  );
  expect(treeDigest([rocket, fullwidth])).toBe(`tree-sha256:${sha256(lines.join(""))}`);
});

test("does not depend on the order of the files or on how an accent is written", () => {
  const path = fc
    .array(fc.stringMatching(/^[a-zA-Z0-9_ äéñ-]{1,8}$/), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join("/"));
  fc.assert(
    fc.property(
      fc.uniqueArray(path, { maxLength: 8, selector: (each) => each.normalize("NFC") }),
      (paths) => {
        const digest = treeDigest(paths.map((each) => file(each)));
        expect(
          treeDigest(paths.toReversed().map((each) => ({ ...file(each), path: each.normalize("NFD") }))),
        ).toBe(digest);
      },
    ),
  );
});

test("refuses paths that are not plain, and names that fall together", () => {
  for (const path of ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a\nb", "a\u0000", "\uD800"]) {
    expect(() => treeDigest([file(path, "x")]), JSON.stringify(path)).toThrow(
      expect.objectContaining({ code: "FAILED_PRECONDITION", reason: "TREE_PATH_REFUSED" }),
    );
  }
  expect(() => treeDigest([file("é"), file("e\u0301")])).toThrow(/twice/);
});
