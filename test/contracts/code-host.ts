import { beforeEach, describe, expect, it } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { type Check, CHECK_ANNOTATION_BYTES_MAX, type Checks } from "../../shared/ports/checks.ts";
import type { CodeHost } from "../../shared/ports/code-host.ts";

/** A repository of which the contract knows everything: two branches from one commit. */
export interface CodeHostFixture {
  readonly codeHost: CodeHost;
  readonly checks: Checks;
  readonly repository: string;
  /** Content by path of the first commit; `link` is a symbolic link, `run.sh` is executable. */
  readonly first: string;
  /** Adds `head.txt`, by ada, committed by carl. */
  readonly head: string;
  /** Adds `base.txt` on the default branch. */
  readonly base: string;
  /** Changes `a.txt` on the default branch and on a branch, differently. */
  readonly conflict: { readonly base: string; readonly head: string };
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "no error";
  } catch (error) {
    return error instanceof ControlPlaneError ? error.code : String(error);
  }
};

/** The law of the CodeHost and Checks ports, for any adapter. */
export function codeHostContract(name: string, create: () => Promise<CodeHostFixture>): void {
  describe(`${name} keeps the law of the code host`, () => {
    let fixture: CodeHostFixture;
    beforeEach(async () => {
      fixture = await create();
    });

    it("lists every file of a tree in byte order with mode, object id and size", async () => {
      const { codeHost, repository, first } = fixture;
      const tree = await codeHost.tree(repository, first);
      expect(tree.map(({ path, mode, size }) => `${path} ${mode} ${size}`)).toStrictEqual([
        "B.txt 100644 2",
        "a.txt 100644 2",
        "dir/ü b.txt 100644 2",
        "link 120000 5",
        "run.sh 100755 2",
      ]);
      expect(tree.every(({ objectId }) => /^[0-9a-f]{40,64}$/.test(objectId))).toBe(true);
    });

    it("answers a blob's bytes, and the same again", async () => {
      const { codeHost, repository, first } = fixture;
      const [file] = await codeHost.tree(repository, first);
      const bytes = await codeHost.blob(repository, file?.objectId ?? "");
      expect(Buffer.from(bytes).toString()).toBe("B\n");
      expect(await codeHost.blob(repository, file?.objectId ?? "")).toStrictEqual(bytes);
    });

    it("merges for a test without touching either side, and lists the result as a tree", async () => {
      const { codeHost, repository, base, head } = fixture;
      const merge = await codeHost.testMerge(repository, base, head);
      expect(merge.kind).toBe("merged");
      const tree = await codeHost.tree(repository, merge.kind === "merged" ? merge.tree : "");
      expect(tree.map(({ path }) => path)).toEqual(expect.arrayContaining(["base.txt", "head.txt"]));
      expect((await codeHost.tree(repository, base)).map(({ path }) => path)).not.toContain("head.txt");
      expect(await codeHost.testMerge(repository, base, head)).toStrictEqual(merge);
    });

    it("names the paths of a conflict", async () => {
      const { codeHost, repository, conflict } = fixture;
      expect(await codeHost.testMerge(repository, conflict.base, conflict.head)).toStrictEqual({
        kind: "conflict",
        paths: ["a.txt"],
      });
    });

    it("knows authors and committers since the merge base, and the merge order", async () => {
      const { codeHost, repository, base, head, first } = fixture;
      const found = await codeHost.history(repository, base, head);
      expect(found.mergeBase).toBe(first);
      expect(found.people).toStrictEqual(["ada@example.test", "carl@example.test"]);
      expect(found.firstParentCount).toBe(2);
    });

    it("says NOT_FOUND for what it does not have", async () => {
      const { codeHost, repository, base } = fixture;
      const absent = "0123456789abcdef0123456789abcdef01234567";
      expect(await codeOf(codeHost.tree(repository, absent))).toBe("NOT_FOUND");
      expect(await codeOf(codeHost.blob(repository, absent))).toBe("NOT_FOUND");
      expect(await codeOf(codeHost.testMerge(repository, base, absent))).toBe("NOT_FOUND");
      expect(await codeOf(codeHost.history(repository, absent, base))).toBe("NOT_FOUND");
      expect(await codeOf(codeHost.tree("nobody/nothing", base))).toBe("NOT_FOUND");
    });

    it("refuses names that are options, paths or references", async () => {
      const { codeHost, repository, base } = fixture;
      for (const tree of ["--help", "main", "HEAD", "../x", `${base}^`, "", `${base}\n`]) {
        expect(await codeOf(codeHost.tree(repository, tree))).toBe("INVALID_ARGUMENT");
      }
      for (const other of ["../x", "a/../b", "/etc/passwd", "a", "a/b/c", "a/-b", "a/.."]) {
        expect(await codeOf(codeHost.tree(other, base))).toBe("INVALID_ARGUMENT");
      }
    });

    const check = (change: Partial<Check> = {}): Check => ({
      id: "c1",
      repository: fixture.repository,
      commit: fixture.head,
      name: "plan web",
      status: "in_progress",
      title: "Planning",
      summary: "…",
      annotations: [],
      updatedAt: "2026-01-01T00:00:00.000Z",
      ...change,
    });

    it("keeps one check per id and never puts an older one over a newer one", async () => {
      const { checks, repository, head } = fixture;
      await checks.put(check({ updatedAt: "2026-01-01T00:00:02.000Z", title: "new" }));
      await checks.put(check({ title: "old" }));
      await checks.put(check({ id: "c2", commit: fixture.base }));
      expect((await checks.list(repository)).map(({ id, title }) => `${id} ${title}`)).toStrictEqual([
        "c1 new",
        "c2 Planning",
      ]);
      expect(await checks.list(repository, head)).toHaveLength(1);
    });

    it("keeps the newest of checks that come at once", async () => {
      const { checks, repository } = fixture;
      const times = [3, 1, 5, 2, 4].map((second) => `2026-01-01T00:00:0${second}.000Z`);
      await Promise.all(times.map((updatedAt) => checks.put(check({ updatedAt, title: updatedAt }))));
      expect((await checks.list(repository)).map(({ title }) => title)).toStrictEqual([
        "2026-01-01T00:00:05.000Z",
      ]);
    });

    it("takes an annotation of 64 KB and refuses a larger one", async () => {
      const { checks, repository, head } = fixture;
      const message = "é".repeat(CHECK_ANNOTATION_BYTES_MAX / 2);
      const annotations = [{ path: "a.tf", line: 1, message }];
      await checks.put(check({ annotations }));
      expect((await checks.list(repository, head))[0]?.annotations).toStrictEqual(annotations);
      const larger = [{ path: "a.tf", line: 1, message: `${message}.` }];
      expect(await codeOf(checks.put(check({ annotations: larger })))).toBe("INVALID_ARGUMENT");
    });

    it("keeps one comment per pull request and key", async () => {
      const { checks, repository } = fixture;
      await checks.comment(repository, 1, "plan", "one");
      await checks.comment(repository, 1, "plan", "two");
      await checks.comment(repository, 1, "help", "three");
      await checks.comment(repository, 2, "plan", "other");
      expect(await checks.comments(repository, 1)).toStrictEqual([
        { key: "help", markdown: "three" },
        { key: "plan", markdown: "two" },
      ]);
    });
  });
}
