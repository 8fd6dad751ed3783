// Blobs in Cloud Storage, against a loopback fake of its JSON API that keeps generations and loses what it is told to.
import { createHash, randomBytes } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { BLOB_IN_BUCKET_BYTES_MAX, createBlobs } from "../../../shared/adapters/google/blobs.ts";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { crc32c, crc32cText } from "../../../shared/adapters/google/crc32c.ts";
import { createRest } from "../../../shared/adapters/google/rest.ts";
import { createStorageObjects } from "../../../shared/adapters/google/storage-objects.ts";
import { UPLOAD_PIECE_BYTES_MAX } from "../../../shared/adapters/google/storage-pieces.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { itBehavesLikeBlobs } from "../../contracts/blobs.ts";
import { createRestFront, type Fault } from "../../support/google/rest-front.ts";
import { createStorageFake } from "../../support/google/storage-fake.ts";

const BUCKET = "acme-plans";
const TOKEN = "ya29.canary-token";

async function world(bucket = BUCKET, timeoutMs?: number) {
  const storage = createStorageFake(BUCKET);
  const front = await createRestFront(storage.fake);
  onTestFinished(() => front.close());
  const rest = createRest({
    // What carries bytes has a time limit of its own, longer than a test.
    calls: (call, work) =>
      createCalls({ clock })(timeoutMs === undefined ? call : { ...call, timeoutMs }, work),
    accessToken: async () => TOKEN,
  });
  const options = { rest, bucket, api: front.url };
  return { storage, front, blobs: createBlobs(options), objects: createStorageObjects(options) };
}
const nameOf = (digest: string): string => digest.replace(":", "/");
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

itBehavesLikeBlobs("objects of Cloud Storage", async () => {
  const { storage, blobs } = await world();
  return {
    blobs,
    damage: async (digest) => storage.overwrite(nameOf(digest), Buffer.from("damaged")),
    count: async () => storage.objects.size,
  };
});

test("the checksum is that of RFC 3720 and of Cloud Storage", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3_06_92_83);
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a_91_36_aa);
  expect(crc32c(Buffer.from("6789"), crc32c(Buffer.from("12345")))).toBe(0xe3_06_92_83);
  expect(crc32cText(Buffer.from(""))).toBe("AAAAAA==");
  const bytes = randomBytes(41);
  for (let cut = 0; cut <= bytes.length; cut++)
    expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
});

describe("putting a blob", () => {
  test("whose answer was lost is done by putting it again, and there is one", async () => {
    const { storage, front, blobs } = await world();
    const bytes = randomBytes(1_000);
    front.fail(/^POST .upload/, { kind: "lost reply" });
    await expect(blobs.put(bytes)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await blobs.put(bytes)).toBe(digestOf(bytes));
    expect(storage.objects.size).toBe(1);
  });

  test("again as an identity that may create and not read, as builds of plans, is done", async () => {
    const { storage, blobs } = await world();
    storage.grant("create");
    for (const bytes of [Buffer.from("a canonical plan"), randomBytes(UPLOAD_PIECE_BYTES_MAX + 1)]) {
      expect(await blobs.put(bytes)).toBe(digestOf(bytes));
      expect(await blobs.put(bytes)).toBe(digestOf(bytes));
    }
    expect(storage.objects.size).toBe(2);
    storage.grant();
    await expect(blobs.put(Buffer.from("another"))).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  test("that was damaged since writes it over, at the generation that was seen", async () => {
    const { storage, blobs } = await world();
    const bytes = Buffer.from("a plan");
    const digest = await blobs.put(bytes);
    storage.overwrite(nameOf(digest), Buffer.from("damaged"));
    expect(await blobs.put(bytes)).toBe(digest);
    expect(Buffer.compare(await blobs.get(digest), bytes)).toBe(0);
  });

  test("that somebody changes meanwhile is ABORTED, and nothing is written over", async () => {
    const { storage, front, blobs } = await world();
    const digest = digestOf(Buffer.from("a plan"));
    storage.overwrite(nameOf(digest), Buffer.from("one"));
    front.fail(/^GET/, {
      kind: "answered",
      answer: (usual) => {
        storage.overwrite(nameOf(digest), Buffer.from("two"));
        return usual;
      },
    });
    await expect(blobs.put(Buffer.from("a plan"))).rejects.toMatchObject({
      code: "ABORTED",
      reason: "BLOB_CHANGED",
    });
    expect(storage.objects.get(nameOf(digest))?.bytes.toString()).toBe("two");
  });

  test.each<[string, Fault, string]>([
    ["429", { kind: "refused", status: 429, code: "RESOURCE_EXHAUSTED" }, "RESOURCE_EXHAUSTED"],
    ["503", { kind: "refused", status: 503, code: "UNAVAILABLE" }, "UNAVAILABLE"],
    ["403", { kind: "refused", status: 403, code: "PERMISSION_DENIED" }, "PERMISSION_DENIED"],
    ["401", { kind: "refused", status: 401, code: "UNAUTHENTICATED" }, "UNAVAILABLE"],
    [
      "403 for a limit",
      {
        kind: "answered",
        answer: () => ({
          status: 403,
          body: { error: { code: 403, errors: [{ domain: "usageLimits", reason: "rateLimitExceeded" }] } },
        }),
      },
      "RESOURCE_EXHAUSTED",
    ],
    [
      "an answer that says nothing",
      { kind: "answered", answer: () => ({ status: 200, body: {} }) },
      "INTERNAL",
    ],
    [
      "a redirect",
      {
        kind: "answered",
        answer: () => ({ status: 302, body: {}, headers: { location: "http://evil.example/" } }),
      },
      "INTERNAL",
    ],
    [
      "other bytes",
      {
        kind: "answered",
        answer: ({ body }) => ({ status: 200, body: { ...(body as object), crc32c: "AAAAAA==" } }),
      },
      "UNAVAILABLE",
    ],
  ])("answered with %s is a typed error that shows no token", async (_what, fault, code) => {
    const { front, blobs } = await world();
    front.fail(/^POST/, fault);
    const error: unknown = await blobs.put(Buffer.from("a plan")).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ControlPlaneError", code });
    expect(JSON.stringify(error) + String(error)).not.toContain("canary");
  });

  test("of more bytes than are allowed, or into a bucket that is not there, is refused", async () => {
    const { blobs } = await world("elsewhere");
    await expect(blobs.put(Buffer.from("x"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    const huge = { byteLength: BLOB_IN_BUCKET_BYTES_MAX + 1 } as Uint8Array;
    await expect(blobs.put(huge)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason: "TOO_LARGE" });
  });
});

describe("getting a blob", () => {
  test.each<[string, Fault, string]>([
    ["is refused", { kind: "refused", status: 403, code: "PERMISSION_DENIED" }, "PERMISSION_DENIED"],
    ["meets a quota", { kind: "refused", status: 429, code: "RESOURCE_EXHAUSTED" }, "RESOURCE_EXHAUSTED"],
    ["loses its answer", { kind: "lost reply" }, "UNAVAILABLE"],
    ["is not answered", { kind: "silence" }, "DEADLINE_EXCEEDED"],
    [
      "is answered with more than any blob has",
      { kind: "answered", answer: () => ({ status: 200, body: Buffer.alloc(BLOB_IN_BUCKET_BYTES_MAX + 1) }) },
      "FAILED_PRECONDITION",
    ],
  ])("that %s is a typed error, and the next one has it", async (what, fault, code) => {
    const { front, blobs } = await world(BUCKET, what === "is not answered" ? 200 : undefined);
    const digest = await blobs.put(Buffer.from("a plan"));
    front.fail(/^GET/, fault);
    const error: unknown = await blobs.get(digest).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "ControlPlaneError", code });
    expect(isTransient(error)).toBe(code !== "PERMISSION_DENIED" && code !== "FAILED_PRECONDITION");
    expect((await blobs.get(digest)).toString()).toBe("a plan");
  });

  test("that nobody answers when it is put is given up in time, and nothing is there", async () => {
    const { storage, front, blobs } = await world(BUCKET, 200);
    front.fail(/^POST/, { kind: "silence" });
    await expect(blobs.put(Buffer.from("a plan"))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect(storage.objects.size).toBe(0);
  });
});

describe("a blob of several pieces", () => {
  const bytes = randomBytes(UPLOAD_PIECE_BYTES_MAX * 2 + 12_345);

  test("arrives whole, and once", async () => {
    const { storage, front, blobs } = await world();
    const digest = await blobs.put(bytes);
    expect(storage.objects.get(nameOf(digest))?.bytes.equals(bytes)).toBe(true);
    expect(front.requests.filter((line) => line.startsWith("PUT")).length).toBe(3);
    expect(await blobs.put(bytes)).toBe(digest);
    expect(Buffer.compare(await blobs.get(digest), bytes)).toBe(0);
  });

  test("goes on where a piece was cut, refused, or its answer lost", async () => {
    for (const fault of [
      { kind: "lost reply" },
      { kind: "refused", status: 503, code: "UNAVAILABLE" },
      { kind: "answered", answer: () => ({ status: 500, body: "broken" }) },
    ] as const) {
      const { storage, front, blobs } = await world();
      storage.cutNextPieceAt(UPLOAD_PIECE_BYTES_MAX - 256 * 1024);
      front.fail(/^PUT/, fault);
      const digest = await blobs.put(bytes);
      expect(storage.objects.get(nameOf(digest))?.bytes.equals(bytes)).toBe(true);
      expect(storage.sessions.size).toBe(1);
    }
  });

  test("that makes no progress is given up, and nothing half is there", async () => {
    const { storage, front, blobs } = await world();
    front.fail(/^PUT/, { kind: "refused", status: 503, code: "UNAVAILABLE" }, 100);
    await expect(blobs.put(bytes)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(storage.objects.size).toBe(0);
    front.fail(/^POST/, {
      kind: "answered",
      answer: () => ({ status: 200, body: {}, headers: { location: "http://127.0.0.1:1/upload" } }),
    });
    await expect(blobs.put(bytes)).rejects.toMatchObject({ reason: "STORAGE_ANSWER_INVALID" });
  });

  test("whose last answer was lost is there, and putting it again is no second one", async () => {
    const { storage, front, blobs } = await world();
    front.fail(/^PUT/, { kind: "answered", answer: (usual) => usual }, 2);
    front.fail(/^PUT/, { kind: "lost reply" });
    const digest = await blobs.put(bytes);
    expect(storage.objects.size).toBe(1);
    expect(digest).toBe(digestOf(bytes));
  });
});

test("a long list comes in pages, and generations keep every digit", async () => {
  const { storage, objects } = await world();
  for (let index = 0; index < 1_001; index++)
    storage.overwrite(`fences/${String(index).padStart(4, "0")}`, Buffer.from("x"));
  const first = await objects.list("fences/");
  const second = await objects.list("fences/", first.next);
  expect([first.objects.length, second.objects.length, second.next]).toEqual([1_000, 1, undefined]);
  expect(first.objects[0]?.generation).toBe("9007199254740993");
  expect(await objects.list("nothing/")).toEqual({ objects: [] });
});
