import { describe, expect, test } from "vitest";
import { BUILD_ADOPTION_MS } from "../../../shared/adapters/google/builds.ts";
import { buildRequest, tagOf } from "../../../shared/adapters/google/builds-request.ts";
import { readBuildNotification } from "../../../shared/adapters/google/builds-wire.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import { createCloudBuildsWorld, PLACE, PLAN_SPEC } from "../../support/google/cloud-builds.ts";

/** A clock that is off by what a test says, and does not wait long. */
function skewed() {
  let offMs = 0;
  const clock: Clock = {
    now: () => new Date(Date.now() + offMs),
    sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 200_000), signal),
  };
  return { clock, skew: (ms: number) => void (offMs += ms) };
}

/** Cloud Build with no free machine: what is created stays in the queue. */
async function queue(change: Parameters<typeof createCloudBuildsWorld>[1] = {}) {
  const settings = { repositories: "", path: "", planKey: { id: "k1", secret: "canary" } } as never;
  const world = await createCloudBuildsWorld({ settings }, change);
  world.fake.full();
  const creates = () =>
    world.front.requests.filter((line) => line.startsWith("POST") && line.endsWith("/builds"));
  const first = () => [...world.fake.builds.values()][0] ?? expect.unreachable("no build");
  return { ...world, creates, first };
}

const CREATE = /^POST .*\/builds$/;
const LIST = /^GET .*\/builds$/;
const EMPTY = { kind: "answered", answer: () => ({ status: 200, body: {} }) } as const;

describe("a build whose creation says nothing", () => {
  test("is adopted by its tag at once, and created once", async () => {
    const { builds, front, creates, first, object } = await queue();
    front.fail(CREATE, { kind: "lost reply" });
    await builds.start("b1", PLAN_SPEC);
    expect(creates()).toHaveLength(1);
    expect(JSON.parse(object("b1", "submitted.json") ?? "")).toMatchObject({ build: first().id });
    expect(await builds.status("b1")).toMatchObject({ state: "running" });
  });

  test("is adopted later when the list is behind, and never created again in the same breath", async () => {
    const { builds, make, front, creates } = await queue();
    front.fail(CREATE, { kind: "lost reply" });
    front.fail(LIST, EMPTY);
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await make().start("b1", PLAN_SPEC);
    expect(creates()).toHaveLength(1);
  }, 20_000);

  test("is adopted from behind a page without any, as a list that is filtered may have", async () => {
    const { builds, front, creates, first, object } = await queue();
    front.fail(CREATE, { kind: "lost reply" });
    front.fail(LIST, { kind: "answered", answer: () => ({ status: 200, body: { nextPageToken: "0" } }) });
    await builds.start("b1", PLAN_SPEC);
    expect(creates()).toHaveLength(1);
    expect(JSON.parse(object("b1", "submitted.json") ?? "")).toMatchObject({ build: first().id });
  });

  test("is created again when after a while there is none, and the fence would settle a twin", async () => {
    const { clock, skew } = skewed();
    const { builds, make, front, creates, fake } = await queue({ clock });
    front.fail(CREATE, { kind: "refused", status: 503, code: "UNAVAILABLE" });
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(await builds.status("b1")).toEqual({ state: "unknown" });
    skew(BUILD_ADOPTION_MS);
    await make().start("b1", PLAN_SPEC);
    expect(creates()).toHaveLength(2);
    expect(fake.builds.size).toBe(1);
  });

  test.each([
    [403, "PERMISSION_DENIED"],
    [429, "RESOURCE_EXHAUSTED"],
    [400, "INVALID_ARGUMENT"],
  ] as const)("of which %i %s says that there is none is asked once, and told", async (status, code) => {
    const { builds, front, creates } = await queue();
    front.fail(CREATE, { kind: "refused", status, code });
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({ name: "ControlPlaneError", code });
    expect(creates()).toHaveLength(1);
  });

  test("in a project that is not ours is refused", async () => {
    const { builds } = await queue({ place: { ...PLACE, project: "q" } });
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  test("whose objects cannot be written is not created", async () => {
    const { builds, storageFront, creates } = await queue();
    storageFront.fail(/./, { kind: "refused", status: 503, code: "UNAVAILABLE" });
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(creates()).toHaveLength(0);
  });

  test("is given up at the deadline when nobody answers", async () => {
    const { builds, front } = await queue({ timeoutMs: 300 });
    front.fail(/./, { kind: "silence" }, 10);
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });
});

describe("a build that Cloud Build ends by itself", () => {
  test.each([
    ["EXPIRED", "INTERRUPTED"],
    ["INTERNAL_ERROR", "INTERRUPTED"],
    ["FAILURE", "INTERRUPTED"],
    ["TIMEOUT", "TIMED_OUT"],
    ["CANCELLED", "CANCELLED"],
  ] as const)("as %s before it began is %s, for ever", async (status, reason) => {
    const { builds, make, fake, first } = await queue();
    await builds.start("b1", PLAN_SPEC);
    fake.end(first(), status);
    expect(await builds.status("b1")).toMatchObject({ state: "done", result: { state: "failed", reason } });
    expect(await make().status("b1")).toEqual(await builds.status("b1"));
  });

  test("after it began leaves something to look at, whatever the status", async () => {
    const { builds, fake, bucket, first } = await queue();
    await builds.start("b1", PLAN_SPEC);
    const fence = { build: first().id, startedAt: "2026-01-01T00:00:00.000Z" };
    bucket.objects.set("b/b1/fence.json", { bytes: Buffer.from(JSON.stringify(fence)), generation: 1 });
    bucket.objects.set("b/b1/changing.json", { bytes: Buffer.from('["a.b"]'), generation: 1 });
    expect(await builds.status("b1")).toEqual({ state: "running", startedAt: fence.startedAt });
    fake.end(first(), "CANCELLED");
    const result = { state: "failed", reason: "INTERRUPTED", resources: ["a.b"] };
    expect(await builds.status("b1")).toMatchObject({ state: "done", result });
  });

  test("leaves a fence, so that a twin that comes late does not begin", async () => {
    const { builds, fake, first, object } = await queue();
    await builds.start("b1", PLAN_SPEC);
    fake.end(first(), "EXPIRED");
    await builds.status("b1");
    expect(JSON.parse(object("b1", "fence.json") ?? "")).toMatchObject({ build: first().id });
  });

  test("and forgets while it worked is interrupted, for ever", async () => {
    const { builds, make, fake, bucket, first } = await queue();
    await builds.start("b1", PLAN_SPEC);
    const fence = { build: first().id, startedAt: "2026-01-01T00:00:00.000Z" };
    bucket.objects.set("b/b1/fence.json", { bytes: Buffer.from(JSON.stringify(fence)), generation: 1 });
    fake.builds.clear();
    const over = { state: "done", result: { state: "failed", reason: "INTERRUPTED" } };
    expect(await builds.status("b1")).toMatchObject(over);
    expect(await make().status("b1")).toEqual(await builds.status("b1"));
  });

  test("is not over while a twin may still begin", async () => {
    const { builds, fake, front, first } = await queue();
    front.fail(CREATE, { kind: "lost reply" });
    await builds.start("b1", PLAN_SPEC);
    fake.builds.set("twin", { ...first(), id: "twin" });
    fake.end(first(), "FAILURE");
    expect(await builds.status("b1")).toMatchObject({ state: "running" });
  });
});

test("a build in the queue is taken out of it when it is cancelled; one at work is asked first, and stopped when it does not heed", async () => {
  const { clock, skew } = skewed();
  const { builds, fake, bucket, first } = await queue({ clock, cancelPatienceMs: 1_000 });
  await builds.start("b1", PLAN_SPEC);
  await builds.cancel("b1");
  expect(await builds.status("b1")).toMatchObject({ state: "done", result: { reason: "CANCELLED" } });
  await builds.start("b2", PLAN_SPEC);
  const second = [...fake.builds.values()].at(-1) ?? first();
  second.status = "WORKING";
  const fence = { build: second.id, startedAt: "2026-01-01T00:00:00.000Z" };
  bucket.objects.set("b/b2/fence.json", { bytes: Buffer.from(JSON.stringify(fence)), generation: 1 });
  await builds.cancel("b2");
  expect(await builds.status("b2")).toMatchObject({ state: "running" });
  expect(second.status).toBe("WORKING");
  skew(2_000);
  await builds.status("b2");
  expect(second.status).toBe("CANCELLED");
});

describe("notifications of builds", () => {
  test("say which build to ask about, in any order, and nothing of builds that are not ours", async () => {
    const { builds, fake, first } = await queue();
    await builds.start("b1", PLAN_SPEC);
    fake.end(first(), "EXPIRED");
    const read = fake.notifications.map(({ data }) => readBuildNotification(data));
    expect(read).toEqual([
      { id: "b1", build: first().id, ended: false },
      { id: "b1", build: first().id, ended: true },
    ]);
    const others = { ...(JSON.parse(String(fake.notifications[0]?.data)) as object), tags: ["theirs"] };
    expect(readBuildNotification(Buffer.from(JSON.stringify(others)))).toBeUndefined();
    // The ended one first, the queued one after it: asking gives the same either way.
    const states = [];
    for (const hint of read.toReversed()) states.push((await builds.status(hint?.id ?? "")).state);
    expect(states).toEqual(["done", "done"]);
  });

  test.each([
    ["", "[]"],
    ["no JSON", "{"],
    ["no build", '{"id":7}'],
    ["bytes that are no UTF-8", "\u00ff"],
  ])("that are %s are refused for good", (_, text) => {
    expect(() => readBuildNotification(Buffer.from(text, "latin1"))).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }) as Error,
    );
  });

  test("with __proto__ keys or integers beyond 2^53 change nothing", () => {
    const text = `{"id":"x","__proto__":{"tags":["signalbox"]},"tags":["signalbox"],"numericField":9007199254740993,"steps":[{"env":["SIGNALBOX_BUILD=b1"]}],"status":"SUCCESS"}`;
    expect(readBuildNotification(Buffer.from(text))).toEqual({ id: "b1", build: "x", ended: true });
    const inherited = text.replace('"tags":["signalbox"],"numericField"', '"numericField"');
    expect(inherited).toContain('"__proto__":{"tags":["signalbox"]}');
    expect(readBuildNotification(Buffer.from(inherited))).toBeUndefined();
  });
});

describe("the request of a build", () => {
  test("runs our image by digest as the account of its phase, with limits, and names no secret's value", () => {
    const place = {
      ...PLACE,
      workerPool: "projects/p/locations/europe-west1/workerPools/builds",
      secrets: { KEY: "projects/p/secrets/k/versions/3" },
    };
    const request = buildRequest(place, "b1", { ...PLAN_SPEC, kind: "apply" });
    expect(request).toMatchObject({
      tags: ["signalbox", tagOf("b1"), "kind-apply", expect.stringMatching(/^stack-[0-9a-f]{32}$/) as string],
      serviceAccount: "projects/p/serviceAccounts/tf-apply@p.iam.gserviceaccount.com",
      timeout: { seconds: 360 },
      options: { logging: "CLOUD_LOGGING_ONLY", pool: { name: place.workerPool } },
      availableSecrets: { secretManager: [{ env: "KEY", versionName: "projects/p/secrets/k/versions/3" }] },
      steps: [{ name: PLACE.image, args: ["build"], secretEnv: ["KEY"] }],
    });
    expect(buildRequest({ ...PLACE, logsBucket: "logs" }, "b1", PLAN_SPEC)).toMatchObject({
      serviceAccount: "projects/p/serviceAccounts/tf-plan@p.iam.gserviceaccount.com",
      logsBucket: "gs://logs",
      options: { logging: "GCS_ONLY" },
    });
  });

  test("that names an image by tag, or no bucket, is refused, and no order is left behind", async () => {
    const { builds, bucket } = await queue({ place: { ...PLACE, image: "terraform:latest" } });
    await expect(builds.start("b1", PLAN_SPEC)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "image",
    });
    expect(bucket.objects.size).toBe(0);
    expect(() => buildRequest({ ...PLACE, folder: "/tmp" }, "b1", PLAN_SPEC)).toThrow(/gs:/);
  });
});

test("calls are counted: a look, files, an order, a create and a note for a start; six for a status while it waits", async () => {
  const counted: string[] = [];
  const { builds } = await queue({ count: (method) => void counted.push(method) });
  await builds.start("b1", PLAN_SPEC);
  expect(counted.splice(0)).toEqual([
    "objects.get",
    "objects.insert",
    "objects.insert",
    "CreateBuild",
    "objects.insert",
  ]);
  await builds.status("b1");
  expect(counted.filter((method) => method === "GetBuild")).toHaveLength(1);
  expect(counted).toHaveLength(6);
});

test("the files of a build and a key of its stack are handed over, and the installation's key is not", async () => {
  const files = [{ path: "s/main.tf", mode: "100644", objectId: "7".repeat(40) }];
  const codeHost = { blob: async () => Buffer.from("# main") };
  const { builds, object, bucket } = await queue({ codeHost });
  await builds.start("b1", { ...PLAN_SPEC, files });
  expect(JSON.parse(object("b1", "source.json") ?? "")).toEqual({
    files: [{ ...files[0], base64: Buffer.from("# main").toString("base64") }],
  });
  const { planKey } = JSON.parse(object("b1", "order.json") ?? "") as {
    planKey: { id: string; secret: string };
  };
  expect(planKey).toEqual({ id: "k1", secret: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  for (const { bytes } of bucket.objects.values()) expect(bytes.toString()).not.toContain("canary");
});

test("a build whose files cannot be read is not created, and can be started later", async () => {
  let isDown = true;
  const blob = async () => {
    if (isDown) throw new ControlPlaneError("UNAVAILABLE", "No.", { reason: "DOWN" });
    return Buffer.from("x");
  };
  const { builds, creates } = await queue({ codeHost: { blob } });
  const spec = { ...PLAN_SPEC, files: [{ path: "a.tf", mode: "100644", objectId: "7".repeat(40) }] };
  await expect(builds.start("b1", spec)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(creates()).toHaveLength(0);
  isDown = false;
  await builds.start("b1", spec);
  expect(creates()).toHaveLength(1);
});

test("an object that is damaged is said, not guessed at", async () => {
  const { builds, bucket } = await queue();
  await builds.start("b1", PLAN_SPEC);
  bucket.objects.set("b/b1/result.json", { bytes: Buffer.from([0xff, 0xfe]), generation: 1 });
  await expect(builds.status("b1")).rejects.toMatchObject({
    code: "INTERNAL",
    reason: "BUILD_OBJECT_DAMAGED",
  });
});
