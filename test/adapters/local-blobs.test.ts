import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createLocalBlobs } from "../../shared/adapters/local/blobs.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-blobs-"));
const blobs = createLocalBlobs(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HELLO = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "no error",
    (error: unknown) => (error instanceof ControlPlaneError ? error.code : String(error)),
  );

describe("blobs on this machine", () => {
  test("are named by their bytes and given back as they were", async () => {
    expect(await blobs.put(Buffer.from("hello"))).toBe(HELLO);
    expect(Buffer.from(await blobs.get(HELLO)).toString()).toBe("hello");
  });

  test("are one blob however often and by how many they are put", async () => {
    const digests = await Promise.all([1, 2, 3, 4].map(() => blobs.put(Buffer.from("same"))));
    expect(new Set(digests).size).toBe(1);
  });

  test("are readable by their owner only", async () => {
    await blobs.put(Buffer.from("hello"));
    expect(statSync(join(folder, "sha256", HELLO.slice(7))).mode & 0o077).toBe(0);
  });

  test("say what is wrong when they are absent, changed, or asked for by another name", async () => {
    expect(await codeOf(blobs.get(`sha256:${"0".repeat(64)}`))).toBe("NOT_FOUND");
    for (const name of ["../x", "sha256:../../x", "md5:x", ""]) {
      expect(await codeOf(blobs.get(name))).toBe("INVALID_ARGUMENT");
    }
    const digest = await blobs.put(Buffer.from("to be changed"));
    writeFileSync(join(folder, "sha256", digest.slice(7)), "changed");
    expect(await codeOf(blobs.get(digest))).toBe("INTERNAL");
  });
});
