// The law of the artifacts port, tried on every adapter.
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Artifacts } from "../../shared/ports/artifacts.ts";

/** Artifacts to try: a way to put content below the root, and the URI that names a path below it. */
export interface ArtifactsUnderTest {
  readonly artifacts: Artifacts;
  readonly write: (
    path: string,
    content: string,
    options?: { readonly executable?: boolean },
  ) => Promise<void>;
  readonly uri: (path: string) => string;
  readonly read: (path: string) => Promise<string>;
  /** A URI of something that exists outside the root. */
  readonly outside: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Tries the whole law on one adapter; `create` answers an empty root. */
export function itBehavesLikeArtifacts(name: string, create: () => Promise<ArtifactsUnderTest>): void {
  describe(`${name} are artifacts`, () => {
    test("a file has the digest of its bytes and a path at which it can be read", async () => {
      const { artifacts, write, uri, read } = await create();
      await write("model.json", '{"weights":[1]}');
      expect(await artifacts.digest(uri("model.json"))).toBe(`sha256:${sha256('{"weights":[1]}')}`);
      expect(await read(await artifacts.path(uri("model.json")))).toBe('{"weights":[1]}');
    });

    test("a folder has the digest of its listing, sorted by bytes", async () => {
      const { artifacts, write, uri } = await create();
      await write("m/b.txt", "b");
      await write("m/a/run.sh", "#!/bin/sh\n", { executable: true });
      await write("m/Z", "");
      const listing = [
        `100644 0 ${sha256("")} Z`,
        `100755 10 ${sha256("#!/bin/sh\n")} a/run.sh`,
        `100644 1 ${sha256("b")} b.txt`,
      ];
      expect(await artifacts.digest(uri("m"))).toBe(
        `tree-sha256:${sha256(listing.map((line) => `${line}\n`).join(""))}`,
      );
    });

    test("any change of content, name or mode changes the digest of a folder", async () => {
      const { artifacts, write, uri } = await create();
      const seen = new Set<string>();
      await write("m/a", "1");
      seen.add(await artifacts.digest(uri("m")));
      await write("m/a", "2");
      seen.add(await artifacts.digest(uri("m")));
      await write("m/a", "2", { executable: true });
      seen.add(await artifacts.digest(uri("m")));
      await write("m/b", "");
      seen.add(await artifacts.digest(uri("m")));
      expect(seen.size).toBe(4);
      expect(await artifacts.digest(uri("m"))).toBe([...seen].at(-1));
    });

    test("nothing there is not found", async () => {
      const { artifacts, uri } = await create();
      await expect(artifacts.digest(uri("none"))).rejects.toMatchObject({ code: "NOT_FOUND" });
      await expect(artifacts.path(uri("none/deeper"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    test("what lies outside the root is refused, whether it exists or not", async () => {
      const { artifacts, uri, outside } = await create();
      for (const foreign of [
        outside,
        `${outside}-none`,
        `${uri("")}/../x`,
        `${uri("a")}/%2e%2e/%2E%2e/x`,
        `${uri("a")}/./b`,
      ]) {
        await expect(artifacts.digest(foreign), foreign).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
        await expect(artifacts.path(foreign), foreign).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
      }
    });

    test("what is no URI of this store is refused with a remedy", async () => {
      const { artifacts, uri } = await create();
      for (const text of [
        "",
        "model",
        "ftp://host/m",
        "http://127.0.0.1/m",
        `${uri("m")}?x=1`,
        `${uri("m")}#x`,
        `${uri("m")}%00`,
        `${uri("m")}%zz`,
        `${uri("a")}%2Fb`,
        `${uri("a")}\\b`,
      ]) {
        await expect(artifacts.digest(text), text).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "uri",
        });
      }
    });
  });
}
