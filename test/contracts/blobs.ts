// The law of the blobs port, tried on every adapter.
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Blobs } from "../../shared/ports/blobs.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const sha256 = (content: Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;

/** Blobs to try, and hands to damage one behind the adapter's back. */
export interface BlobsUnderTest {
  readonly blobs: Blobs;
  readonly damage: (digest: string) => Promise<void>;
  readonly count: () => Promise<number>;
}

/** Tries the whole law on one adapter; `create` answers an empty store. */
export function itBehavesLikeBlobs(name: string, create: () => Promise<BlobsUnderTest>): void {
  describe(`${name} are blobs`, () => {
    test("bytes come back under the digest that names them", async () => {
      const { blobs } = await create();
      const content = bytes("a plan");
      const digest = await blobs.put(content);
      expect(digest).toBe(sha256(content));
      expect(new Uint8Array(await blobs.get(digest))).toEqual(content);
    });

    test("nothing and every possible byte are blobs too", async () => {
      const { blobs } = await create();
      for (const content of [
        new Uint8Array(),
        Uint8Array.from({ length: 256 }, (_, byte) => byte),
        randomBytes(1024 * 1024),
      ]) {
        expect(Buffer.compare(await blobs.get(await blobs.put(content)), content)).toBe(0);
      }
    });

    test("the same bytes are one blob, also when eight callers put them at once", async () => {
      const { blobs, count } = await create();
      const content = bytes("the same");
      const digests = await Promise.all(Array.from({ length: 8 }, () => blobs.put(content)));
      expect(new Set(digests)).toEqual(new Set([sha256(content)]));
      expect(await count()).toBe(1);
    });

    test("bytes that are not what their name says are never given out", async () => {
      const { blobs, damage } = await create();
      const digest = await blobs.put(bytes("a plan"));
      await damage(digest);
      await expect(blobs.get(digest)).rejects.toMatchObject({ code: "INTERNAL", reason: "BLOB_CORRUPT" });
    });

    test("a digest that was never put is not found, and what is no digest is refused", async () => {
      const { blobs } = await create();
      await expect(blobs.get(sha256(bytes("never")))).rejects.toMatchObject({ code: "NOT_FOUND" });
      for (const name of [
        "",
        "sha256:",
        "sha256:../../etc/passwd",
        `tree-${sha256(bytes("x"))}`,
        sha256(bytes("x")).toUpperCase(),
      ]) {
        await expect(blobs.get(name)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "digest" });
      }
    });
  });
}
