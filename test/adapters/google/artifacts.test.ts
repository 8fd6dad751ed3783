// Artifacts in Cloud Storage, against the loopback fake of its JSON API.
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ARTIFACT_PIECE_BYTES_MAX } from "../../../shared/adapters/google/artifact-content.ts";
import { ARTIFACT_COPIES_MAX } from "../../../shared/adapters/google/artifact-copies.ts";
import { listingKey, MODE_METADATA } from "../../../shared/adapters/google/artifact-listing.ts";
import {
  ARTIFACT_BYTES_HERE_MAX,
  ARTIFACT_FILES_HERE_MAX,
  createCloudArtifacts,
} from "../../../shared/adapters/google/artifacts.ts";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { createRest } from "../../../shared/adapters/google/rest.ts";
import { folderContentDigest } from "../../../shared/adapters/local/artifact-digest.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { itBehavesLikeArtifacts } from "../../contracts/artifacts.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { createRestFront, type Fault } from "../../support/google/rest-front.ts";
import { createStorageFake } from "../../support/google/storage-fake.ts";

const BUCKET = "acme-artifacts";
const TOKEN = "ya29.canary-token";
const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

async function world(roots = [`gs://${BUCKET}/models`]) {
  const storage = createStorageFake(BUCKET);
  const front = await createRestFront(storage.fake);
  onTestFinished(() => front.close());
  const rest = createRest({ calls: createCalls({ clock }), accessToken: async () => TOKEN });
  const copies = temporaryFolder();
  const asked: string[] = [];
  const artifacts = createCloudArtifacts({
    rest,
    roots,
    copies,
    api: front.url,
    async digestOfLarge(listing) {
      asked.push(listingKey(listing));
      return "sha256:large";
    },
  });
  const put = (path: string, bytes: Buffer | string, more: Parameters<typeof storage.overwrite>[2] = {}) =>
    storage.overwrite(`models/${path}`, Buffer.from(bytes), more);
  const uri = (path: string) => `gs://${BUCKET}/models${path === "" ? "" : `/${path}`}`;
  return { storage, front, artifacts, copies, asked, put, uri };
}

itBehavesLikeArtifacts("objects of Cloud Storage", async () => {
  const { storage, artifacts, put, uri } = await world();
  storage.overwrite("secret", Buffer.from("outside"));
  return {
    artifacts,
    write: async (path, content, { executable = false } = {}) =>
      put(path, content, executable ? { metadata: { [MODE_METADATA]: "100755" } } : {}),
    uri,
    read: (path) => readFile(path, "utf8"),
    outside: `gs://${BUCKET}/secret`,
  };
});

describe("artifacts in a bucket", () => {
  test("have the digest of the same content on a disk, whatever marks a console left", async () => {
    const { artifacts, put, uri } = await world();
    put("m/", "");
    put("m/sub/", "");
    put("m/sub/weights.bin", randomBytes(1_000));
    put("m/run.sh", "#!/bin/sh\n", { metadata: { [MODE_METADATA]: "750" } });
    put("m/größe.txt", "NFC".normalize("NFD"));
    const copied = await artifacts.path(uri("m"));
    expect(await artifacts.digest(uri("m"))).toBe(await folderContentDigest(copied));
    expect(statSync(join(copied, "run.sh")).mode & 0o777).toBe(0o700);
  });

  test("are read in pieces of exactly the content that was listed", async () => {
    const { artifacts, front, put, uri } = await world();
    const bytes = randomBytes(ARTIFACT_PIECE_BYTES_MAX + 7);
    put("weights.bin", bytes);
    expect(await artifacts.digest(uri("weights.bin"))).toBe(sha256(bytes));
    front.fail(/o.models.weights.bin$/, {
      kind: "answered",
      answer: (usual) => {
        put("weights.bin", "another");
        return usual;
      },
    });
    await expect(artifacts.digest(uri("weights.bin"))).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining("replaced while it was read") as string,
    });
  });

  test("that are large are left to somebody who may take the time, and never copied here", async () => {
    const { artifacts, storage, asked, put, uri } = await world();
    put("one", Buffer.alloc(ARTIFACT_BYTES_HERE_MAX + 1));
    for (let index = 0; index <= ARTIFACT_FILES_HERE_MAX; index++) put(`many/${index}`, "x");
    expect(await artifacts.digest(uri("one"))).toBe("sha256:large");
    expect(await artifacts.digest(uri("many"))).toBe("sha256:large");
    const [before] = asked;
    storage.overwrite("models/one", Buffer.alloc(ARTIFACT_BYTES_HERE_MAX + 1));
    await artifacts.digest(uri("one"));
    expect(asked.at(-1)).not.toBe(before);
    await expect(artifacts.path(uri("one"))).rejects.toMatchObject({ reason: "ARTIFACT_TOO_LARGE_HERE" });
  });

  test("of exactly the limit are read here", async () => {
    const { artifacts, asked, put, uri } = await world();
    put("one", Buffer.alloc(ARTIFACT_BYTES_HERE_MAX));
    for (let index = 0; index < ARTIFACT_FILES_HERE_MAX; index++) put(`many/${index}`, "x");
    expect(await artifacts.digest(uri("one"))).toBe(sha256(Buffer.alloc(ARTIFACT_BYTES_HERE_MAX)));
    expect(await artifacts.digest(uri("many"))).toMatch(/^tree-sha256:/);
    expect(asked).toEqual([]);
  });

  test("are refused where a mount and a reader would see two things", async () => {
    const { artifacts, put, uri } = await world();
    put("both", "x");
    put("both/a", "x");
    put("deep/a", "x");
    put("deep/a/b/c", "x");
    put("packed/a.txt", "x", { contentEncoding: "gzip" });
    put("odd/a//b", "x");
    put("dots/../b", "x");
    for (const path of ["both", "deep", "packed"])
      await expect(artifacts.digest(uri(path)), path).rejects.toMatchObject({
        code: "PERMISSION_DENIED",
        reason: "ARTIFACT_NOT_REGULAR",
      });
    for (const path of ["odd", "dots"]) {
      await expect(artifacts.digest(uri(path)), path).rejects.toMatchObject({ reason: "TREE_PATH_REFUSED" });
      await expect(artifacts.path(uri(path)), path).rejects.toMatchObject({ reason: "TREE_PATH_REFUSED" });
    }
  });

  test("in other buckets, or beside the root, are refused without a request", async () => {
    const { artifacts, front } = await world();
    for (const uri of [
      "gs://other/models/m",
      `gs://${BUCKET}/models-2/m`,
      `gs://${BUCKET}`,
      `gs://${BUCKET}/models//m`,
    ])
      await expect(artifacts.digest(uri), uri).rejects.toMatchObject({ reason: "ARTIFACT_OUTSIDE_ROOTS" });
    expect(front.requests).toEqual([]);
  });

  test("may lie anywhere in a bucket that is a root", async () => {
    const { artifacts, put } = await world([`gs://${BUCKET}/`]);
    put("m/a", "1");
    expect(await artifacts.digest(`gs://${BUCKET}/models/m/a`)).toBe(sha256(Buffer.from("1")));
    expect(await artifacts.digest(`gs://${BUCKET}/`)).toMatch(/^tree-sha256:/);
  });

  test("are copied once for each content, and few copies stay", async () => {
    const { artifacts, front, copies, put, uri } = await world();
    put("a", "1");
    const first = await artifacts.path(uri("a"));
    const requests = front.requests.length;
    expect(await artifacts.path(uri("a"))).toBe(first);
    expect(front.requests.length - requests).toBe(2);
    for (let index = 0; index < ARTIFACT_COPIES_MAX; index++) {
      put("a", `content ${index}`);
      expect(readFileSync(await artifacts.path(uri("a")), "utf8")).toBe(`content ${index}`);
    }
    expect(readdirSync(copies)).toHaveLength(ARTIFACT_COPIES_MAX);
  });
});

describe("reading an artifact", () => {
  test.each<[string, Fault, string]>([
    ["429", { kind: "refused", status: 429, code: "RESOURCE_EXHAUSTED" }, "RESOURCE_EXHAUSTED"],
    ["503", { kind: "refused", status: 503, code: "UNAVAILABLE" }, "UNAVAILABLE"],
    ["403", { kind: "refused", status: 403, code: "PERMISSION_DENIED" }, "PERMISSION_DENIED"],
    ["a lost reply", { kind: "lost reply" }, "UNAVAILABLE"],
    [
      "a short piece",
      { kind: "answered", answer: () => ({ status: 206, body: Buffer.from("1") }) },
      "INTERNAL",
    ],
    [
      "other bytes",
      { kind: "answered", answer: () => ({ status: 206, body: Buffer.from("zzz") }) },
      "UNAVAILABLE",
    ],
    [
      "the whole object",
      { kind: "answered", answer: () => ({ status: 200, body: Buffer.alloc(99) }) },
      "INTERNAL",
    ],
  ])("that is answered with %s is a typed error that shows no token", async (_what, fault, code) => {
    const { artifacts, front, put, uri, copies } = await world();
    put("a", "123");
    const spare = { kind: "answered", answer: (usual) => usual } satisfies Fault;
    for (const call of [artifacts.digest, artifacts.path]) {
      front.fail(/^GET .*models.a$/, spare);
      front.fail(/^GET .*models.a$/, fault);
      const error: unknown = await call(uri("a")).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: "ControlPlaneError", code });
      expect(JSON.stringify(error) + String(error)).not.toContain("canary");
    }
    // Nothing half is left, and the next try works.
    expect(readdirSync(copies)).toEqual([]);
    expect(await artifacts.digest(uri("a"))).toBe(sha256(Buffer.from("123")));
    expect(readFileSync(await artifacts.path(uri("a")), "utf8")).toBe("123");
  });
});
