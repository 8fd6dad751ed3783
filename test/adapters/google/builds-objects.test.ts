import { Storage } from "@google-cloud/storage";
import { expect, onTestFinished, test } from "vitest";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { createBucketFake } from "../../support/google/bucket-fake.ts";
import { createRestFront, testSignIn } from "../../support/google/rest-front.ts";

async function bucket({ timeoutMs = 5_000, name = "builds" } = {}) {
  const fake = createBucketFake("builds");
  const front = await createRestFront(fake.handle);
  onTestFinished(() => front.close());
  const storage = new Storage({
    apiEndpoint: front.url,
    projectId: "p",
    authClient: testSignIn() as never,
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  const objects = createCloudBuildObjects({
    bucket: storage.bucket(name),
    prefix: "b",
    clock: systemClock,
    timeoutMs,
  });
  return { front, fake, objects };
}

const bytes = (text: string) => Buffer.from(text);
const INSERT = /^POST \/upload/;

test("an object is created once, and the second creator changes nothing", async () => {
  const { objects, fake } = await bucket();
  expect(await objects.read("x/fence.json")).toBeUndefined();
  const won = await Promise.all(["a", "b", "c"].map((text) => objects.create("x/fence.json", bytes(text))));
  expect(won.filter(Boolean)).toHaveLength(1);
  const winner = ["a", "b", "c"][won.indexOf(true)];
  expect(Buffer.from((await objects.read("x/fence.json")) ?? "").toString()).toBe(winner);
  await objects.replace("x/fence.json", bytes("new"));
  expect(fake.objects.get("b/x/fence.json")?.bytes.toString()).toBe("new");
});

test("no more of an object is taken into memory than is asked for, and one byte that tells", async () => {
  const { objects, fake } = await bucket();
  await objects.create("x/log.txt", Buffer.alloc(4_000_000, "a"));
  expect(await objects.read("x/log.txt", 10)).toHaveLength(11);
  expect(await objects.read("x/log.txt", 4_000_000)).toHaveLength(4_000_000);
  fake.objects.set("b/empty", { bytes: Buffer.alloc(0), generation: 7 });
  expect(await objects.read("empty", 10)).toHaveLength(0);
});

test("an object whose reply was lost is there, and creating it again says so", async () => {
  const { objects, front } = await bucket();
  front.fail(INSERT, { kind: "lost reply" });
  await expect(objects.create("x", bytes("a"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(await objects.create("x", bytes("b"))).toBe(false);
  expect(Buffer.from((await objects.read("x")) ?? "").toString()).toBe("a");
});

test.each([
  [403, "PERMISSION_DENIED"],
  [429, "RESOURCE_EXHAUSTED"],
  [503, "UNAVAILABLE"],
] as const)("%i is %s, asked once, and nothing is half written", async (status, code) => {
  const { objects, front, fake } = await bucket();
  front.fail(/./, { kind: "refused", status, code }, 2);
  await expect(objects.create("x", bytes("a"))).rejects.toMatchObject({ code });
  await expect(objects.read("x")).rejects.toMatchObject({ code });
  expect(front.requests).toHaveLength(2);
  expect(fake.objects.size).toBe(0);
});

test("silence ends at the deadline, and bytes that are damaged on the way are not taken", async () => {
  const { objects, front } = await bucket({ timeoutMs: 200 });
  front.fail(/./, { kind: "silence" });
  await expect(objects.create("x", bytes("a"))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await objects.create("y", bytes("right"));
  front.fail(/^GET/, { kind: "answered", answer: (usual) => ({ ...usual, body: bytes("wrong") }) });
  await expect(objects.read("y")).rejects.toMatchObject({ name: "ControlPlaneError" });
});

test("a bucket that is not there is not taken for an object that is not there when something is written", async () => {
  const { objects } = await bucket({ name: "another" });
  await expect(objects.create("x", bytes("a"))).rejects.toMatchObject({ code: "NOT_FOUND" });
});
