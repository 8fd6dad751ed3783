import { describe, expect, onTestFinished, test } from "vitest";
import { releaseId, requestIdOf } from "../../../shared/adapters/google/cloud-deploy.ts";
import { readDeployNotification } from "../../../shared/adapters/google/deploys-notification.ts";
import type { CloudDeploysOptions } from "../../../shared/adapters/google/deploys.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import { createCloudDeploysWorld, manifests } from "../../support/google/cloud-deploys.ts";

async function world(change: Partial<CloudDeploysOptions> = {}) {
  const made = await createCloudDeploysWorld(change);
  onTestFinished(made.dispose);
  return made;
}

const RELEASE = /^POST .*\/releases$/;
const ROLLOUT = /^POST .*\/rollouts$/;
const refusal = (code: "UNAVAILABLE" | "PERMISSION_DENIED") =>
  new ControlPlaneError(code, "No.", { reason: code });

describe("when Cloud Deploy misbehaves, a release", () => {
  test.each([
    ["its creation", RELEASE],
    ["its rollout's creation", ROLLOUT],
  ])("is one although the reply to %s was lost", async (_, match) => {
    const { deploys, front, fake, request, cluster } = await world();
    front.fail(match, { kind: "lost reply" });
    const asked = request(1);
    await expect(deploys.prepare(asked)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await deploys.prepare(asked);
    expect([fake.releases.size, fake.rollouts.size]).toEqual([1, 1]);
    await expect.poll(() => cluster.starts(asked.backend)).toBe(1);
  });

  test("is found by another process, with another request id, and compared", async () => {
    const { make, fake, request } = await world();
    fake.hold("PENDING");
    const asked = request(1);
    await make().prepare(asked);
    for (const [name, release] of fake.releases)
      fake.releases.set(name, { ...release, requestId: "another" });
    for (const rollout of fake.rollouts.values()) Object.assign(rollout, { requestId: "another" });
    await make().prepare(asked);
    expect(fake.releases.size).toBe(1);
    for (const [name, release] of fake.releases) {
      const annotations = { ...release.body.annotations, "signalbox.dev/bundle": "sha256:other" };
      fake.releases.set(name, { ...release, body: { ...release.body, annotations } });
    }
    await expect(make().prepare(asked)).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      reason: "RELEASE_DIFFERS",
    });
  });

  test.each([-3_600_000, 3_600_000])(
    "is one, and stands the same, where two processes of ours disagree by %i ms",
    async (skewMs) => {
      const { make, fake, request } = await world();
      const clock = { ...systemClock, now: () => new Date(Date.now() + skewMs) };
      const asked = request(1);
      const [ours, theirs] = [make(), make({ clock })];
      await ours.prepare(asked);
      await theirs.prepare(asked);
      expect([fake.releases.size, fake.rollouts.size]).toEqual([1, 1]);
      await expect.poll(async () => (await theirs.status(asked.backend, 1_000)).state).toBe("ready");
      await theirs.retire(asked.backend);
      expect(await ours.status(asked.backend, 1_000)).toMatchObject({ state: "cold" });
      await ours.warm(asked.backend);
      await expect.poll(async () => (await theirs.status(asked.backend, 1_000)).state).toBe("ready");
    },
  );

  test("that is not shown yet is tried again, not failed", async () => {
    const { deploys, front, request } = await world();
    front.fail(ROLLOUT, { kind: "refused", status: 404, code: "NOT_FOUND" });
    await expect(deploys.prepare(request(1))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "RELEASE_NOT_SHOWN",
    });
    await deploys.prepare(request(1));
  });

  test.each([
    [429, "RESOURCE_EXHAUSTED"],
    [503, "UNAVAILABLE"],
    [403, "PERMISSION_DENIED"],
  ] as const)("that is answered %i %s is told so, asked once, and nothing runs", async (status, code) => {
    const { deploys, front, request, cluster } = await world();
    front.fail(RELEASE, { kind: "refused", status, code }, 2);
    await expect(deploys.prepare(request(1))).rejects.toMatchObject({ name: "ControlPlaneError", code });
    expect(front.requests).toHaveLength(1);
    expect(cluster.applied).toEqual([]);
  });

  test("to a project that is not ours is refused", async () => {
    const place = { project: "q", location: "europe-west1", pipeline: "serving", target: "cluster" };
    const { deploys, request } = await world({ place });
    await expect(deploys.prepare(request(1))).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });

  test("is given up at the deadline", async () => {
    const { deploys, front, request } = await world({ timeoutMs: 300 });
    front.fail(/./, { kind: "silence" }, 5);
    await expect(deploys.prepare(request(1))).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("whose rollout fails before the cluster has it never became ready, and a retirement makes a new rollout", async () => {
    const { deploys, fake, request } = await world();
    fake.hold("PENDING");
    const asked = request(1);
    await deploys.prepare(asked);
    expect(await deploys.status(asked.backend, 1_000)).toMatchObject({ state: "preparing" });
    for (const rollout of fake.rollouts.values())
      Object.assign(rollout, { state: "FAILED", failureReason: "no quota" });
    expect(await deploys.status(asked.backend, 1_000)).toMatchObject({
      state: "failed",
      message: expect.stringContaining("no quota") as string,
    });
    await deploys.retire(asked.backend);
    expect(await deploys.status(asked.backend, 1_000)).toMatchObject({ state: "cold" });
    await deploys.prepare(asked);
    expect([...fake.rollouts.keys()].map((name) => name.slice(-2))).toEqual(["-1", "-2"]);
  });

  test("that is retired while it is rolled out is cancelled first, also when the reply is lost", async () => {
    const { deploys, front, fake, request } = await world();
    fake.hold("IN_PROGRESS");
    const asked = request(1);
    await deploys.prepare(asked);
    front.fail(/:cancel$/, { kind: "lost reply" });
    await deploys.retire(asked.backend);
    expect([...fake.rollouts.values()].map(({ state }) => state)).toEqual(["CANCELLED"]);
  });
});

describe("the status of a backend", () => {
  test("is one question to the cluster: with Cloud Deploy and the bucket down it is the same", async () => {
    const { deploys, front, storageFront, cluster, request } = await world();
    const asked = request(1);
    await deploys.prepare(asked);
    await expect.poll(async () => (await deploys.status(asked.backend, 1_000)).state).toBe("ready");
    front.fail(/./, { kind: "silence" }, 100);
    storageFront.fail(/./, { kind: "silence" }, 100);
    const before = cluster.requests.length;
    expect(await deploys.status(asked.backend, 200)).toMatchObject({ state: "ready" });
    expect(cluster.requests.length - before).toBe(1);
  });

  test.each(["UNAVAILABLE", "PERMISSION_DENIED"] as const)(
    "is unknown when the cluster says %s",
    async (code) => {
      const { deploys, cluster } = await world();
      cluster.fail(refusal(code));
      expect(await deploys.status("ranker-1-00000000", 1_000)).toMatchObject({ state: "unknown" });
    },
  );

  test("is unknown when nothing answers in time, and of a name that is none", async () => {
    const { deploys, storageFront } = await world();
    storageFront.fail(/./, { kind: "silence" });
    expect(await deploys.status("ranker-1-00000000", 100)).toMatchObject({ state: "unknown" });
    for (const name of ["../x", "a=b,c", "__proto__", "x".repeat(300)])
      expect(await deploys.status(name, 1_000)).toMatchObject({ state: "unknown" });
  });
});

test("an artifact whose digest is still being computed is waited for", async () => {
  const { deploys, fake, request } = await world({ digest: async () => undefined });
  await expect(deploys.prepare(request(1))).rejects.toMatchObject({
    code: "UNAVAILABLE",
    reason: "DIGEST_NOT_KNOWN_YET",
  });
  expect(fake.releases.size).toBe(0);
});

test("an endpoint without manifests, or with an unknown commit, cannot work", async () => {
  const { deploys, request } = await world();
  const { serving, ...rest } = request(1);
  const { manifests: _, ...without } = serving;
  await expect(deploys.prepare({ ...rest, serving: without })).rejects.toMatchObject({
    reason: "NO_MANIFESTS",
  });
  await expect(deploys.prepare({ ...rest, serving, commit: "9".repeat(40) })).rejects.toMatchObject({
    reason: "MANIFESTS_REFUSED",
  });
});

test("a route in the manifests is refused, and nothing is uploaded", async () => {
  const { deploys, request, bucket } = await world();
  const route =
    "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: ranker }\n";
  const refused = deploys.prepare(request(1, manifests("serve", route)));
  await expect(refused).rejects.toMatchObject({ code: "FAILED_PRECONDITION", reason: "MANIFESTS_REFUSED" });
  expect(bucket.objects.size).toBe(0);
});

test("calls are counted: a release and a rollout, and two objects beside them", async () => {
  const counted: string[] = [];
  const { deploys, request } = await world({ count: (method) => void counted.push(method) });
  await deploys.prepare(request(1));
  expect(counted.toSorted()).toEqual([
    "CreateRelease",
    "CreateRollout",
    "objects.get",
    "objects.insert",
    "objects.insert",
  ]);
});

test("ids are derived, and such as Cloud Deploy takes", () => {
  const id = releaseId("0123456789abcdef0123456789abcdef01234567", "ranker-1-00000000", "d");
  expect(id).toMatch(/^r-0123456789ab-[0-9a-f]{8}$/);
  expect(releaseId("0".repeat(40), "a", "b")).not.toBe(releaseId("0".repeat(40), "a", "c"));
  expect(requestIdOf("x")).toBe(requestIdOf("x"));
  expect(requestIdOf("x")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

describe("notifications of Cloud Deploy", () => {
  test("name the release and rollout to look at, and nothing of others", async () => {
    const { deploys, fake, request } = await world();
    fake.hold("PENDING_APPROVAL");
    await deploys.prepare(request(1));
    const read = fake.notifications.map(({ attributes }) => readDeployNotification(attributes, "serving"));
    const release = expect.stringMatching(/^r-/) as string;
    const rollout = expect.stringMatching(/-1$/) as string;
    expect(read).toEqual([
      { release, needsApproval: false, isNews: false },
      { release, rollout, needsApproval: false, isNews: false },
      { release, rollout, needsApproval: true, isNews: true },
    ]);
    const attributes = fake.notifications[0]?.attributes ?? {};
    expect(readDeployNotification({ ...attributes, ReleaseId: "theirs" }, "serving")).toBeUndefined();
    expect(readDeployNotification(attributes, "another")).toBeUndefined();
    expect(() => readDeployNotification({}, "serving")).toThrow(/no Action/);
  });
});
