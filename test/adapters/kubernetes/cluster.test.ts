import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCluster } from "../../../shared/adapters/kubernetes/cluster.ts";
import {
  collectionPath,
  objectPath,
  RAY_JOBS,
  WORKLOADS,
} from "../../../shared/adapters/kubernetes/objects.ts";
import {
  jobName,
  type JobTemplate,
  newRayJob,
  QUEUE_LABEL,
  type RayJobObject,
  STOPPED_QUEUE,
} from "../../../shared/adapters/kubernetes/ray-job.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import type { RayJob } from "../../../shared/ports/cluster.ts";
import { itBehavesLikeCluster, waitForJob } from "../../contracts/cluster.ts";
import { userName } from "../../support/kubernetes/apiserver.ts";
import type { Fault } from "../../support/kubernetes/apiserver-fake.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import {
  type KubeletFake,
  startKubeletFake,
  WORKLOAD_DEFINITION,
} from "../../support/kubernetes/kubelet-fake.ts";
import { type KubeRayFake, startKubeRayFake } from "../../support/kubernetes/kuberay-fake.ts";
import { applyManifest } from "../../support/kubernetes/manifests.ts";
import { fakeWorld, type KubernetesWorld, makeNamespace, realWorld } from "../../support/kubernetes/world.ts";
import { until } from "../../support/until.ts";

const WAIT_MS = 20_000;
const container = { name: "ray", image: "rayproject/ray:2.60.0" };
const template = { spec: { containers: [container] } };
const rayClusterSpec = { headGroupSpec: { rayStartParams: {}, template } };
const job = (submissionId: string, entrypoint = "hang"): RayJob => ({
  submissionId,
  entrypoint,
  runtimeEnvironment: { env_vars: { A: "1" } },
  metadata: { run: "teams/default/runs/r" },
});

function behavesLikeKubeRay(name: string, start: () => Promise<KubernetesWorld>): void {
  const namespace = `runs-${randomBytes(4).toString("hex")}`;
  const node = `node-${namespace}`;
  let world: KubernetesWorld;
  let kubelet: KubeletFake | undefined;
  let operators: KubeRayFake;

  beforeAll(async () => {
    world = await start();
    const admin = world.client();
    if (world.fake === undefined) {
      await applyManifest(admin, "roles.yaml");
      await applyManifest(admin, "runs.yaml", {
        RUNS_NAMESPACE: namespace,
        RUNS_IDENTITY: userName("runs"),
        DATA_IDENTITY: userName("runs"),
      });
      await admin.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WORKLOAD_DEFINITION);
      const served = () => admin.list(collectionPath(WORKLOADS, namespace)).then(Boolean, () => undefined);
      await until("workloads to be served", served, KUBERNETES_START_MS);
      kubelet = await startKubeletFake(admin, node);
    } else await makeNamespace(admin, namespace);
    const keepLog = kubelet?.keepLog ?? world.fake?.keepLog ?? (() => undefined);
    operators = startKubeRayFake(admin, namespace, keepLog, node);
  }, KUBERNETES_START_MS);
  afterAll(async () => {
    await operators?.stop();
    await kubelet?.stop();
    await world?.close();
  });

  const cluster = (queue?: string, spec: JobTemplate["rayClusterSpec"] = rayClusterSpec) =>
    createCluster({
      client: world.client("runs"),
      clock: systemClock,
      address: "the cluster",
      template: { namespace, rayClusterSpec: spec, queueOf: () => queue },
    });
  const find = async (submissionId: string): Promise<RayJobObject | undefined> =>
    world.client().get<RayJobObject>(objectPath(RAY_JOBS, namespace, jobName(submissionId)));

  itBehavesLikeCluster(name, async () => ({
    cluster: cluster(),
    entrypoints: { succeed: "succeed", fail: "fail no such column", hang: "hang" },
    waitMs: WAIT_MS,
  }));
  itBehavesLikeCluster(`${name}, through a queue`, async () => ({
    cluster: cluster("team-queue"),
    entrypoints: { succeed: "succeed", fail: "fail no such column", hang: "hang" },
    waitMs: WAIT_MS,
  }));

  describe(`RayJobs on ${name}`, () => {
    it("are what the schema of KubeRay takes, with the run's id as that of the job", async () => {
      await cluster().submit(job("catalogue-1.a_B"));
      const made = await find("catalogue-1.a_B");
      expect(made?.spec).toMatchObject({
        jobId: "catalogue-1.a_B",
        entrypoint: "hang",
        runtimeEnvYAML: '{"env_vars":{"A":"1"}}',
        metadata: { run: "teams/default/runs/r" },
        suspend: false,
      });
      await cluster().stop("catalogue-1.a_B");
    });

    it("wait in their queue until they are admitted, and leave it when they are stopped before", async () => {
      operators.admits(false);
      await cluster("team-queue").submit(job("waiting"));
      expect((await find("waiting"))?.metadata.labels?.[QUEUE_LABEL]).toBe("team-queue");
      expect(await cluster().status("waiting")).toMatchObject({ state: "PENDING" });
      await until(
        "its workload",
        async () =>
          (await world.client().list(collectionPath(WORKLOADS, namespace))).some(({ metadata }) =>
            metadata.name.endsWith(jobName("waiting")),
          ) || undefined,
      );
      await cluster().stop("waiting");
      operators.admits(true);
      await waitForJob(cluster(), "waiting", ["STOPPED"], WAIT_MS);
      const stopped = await find("waiting");
      expect(stopped?.spec.suspend).toBe(true);
      expect(stopped?.metadata.labels?.[QUEUE_LABEL]).toBe(STOPPED_QUEUE);
    });

    it("that ended are stopped without a change", async () => {
      await cluster().submit(job("short", "succeed"));
      await waitForJob(cluster(), "short", ["SUCCEEDED"], WAIT_MS);
      await cluster().stop("short");
      expect((await cluster().status("short")).state).toBe("SUCCEEDED");
    });

    it.each([undefined, "team-queue"])(
      "that KubeRay refuses have failed, and stay so (queue: %s)",
      async (queue) => {
        const empty = { headGroupSpec: { rayStartParams: {}, template: { spec: { containers: [] } } } };
        const id = `refused-${queue}`;
        const refusing = cluster(queue, empty);
        await refusing.submit(job(id));
        const { message } = await waitForJob(refusing, id, ["FAILED"], WAIT_MS);
        expect(message).toContain("at least one container");
        await refusing.stop(id);
        expect((await refusing.status(id)).state).toBe("FAILED");
      },
    );

    it("that were never submitted to Ray have failed, although KubeRay calls them complete", async () => {
      await cluster().submit(job("unsubmitted", "lose"));
      const { message } = await waitForJob(cluster(), "unsubmitted", ["FAILED"], WAIT_MS);
      expect(message).toContain("submitter");
    });

    it("of others under the same name are told, not taken for ours", async () => {
      const theirs = newRayJob(job("theirs"), { namespace, rayClusterSpec });
      const { annotations: _, ...metadata } = theirs.metadata;
      await world.client().create(collectionPath(RAY_JOBS, namespace), { ...theirs, metadata });
      for (const call of [
        () => cluster().submit(job("theirs")),
        () => cluster().status("theirs"),
        () => cluster().stop("theirs"),
      ])
        await expect(call()).rejects.toMatchObject({ code: "ALREADY_EXISTS", reason: "JOB_NOT_OURS" });
    });
  });
}

describe("on the fake", () => behavesLikeKubeRay("a fake API server", fakeWorld));
describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}on the real server`, () =>
  behavesLikeKubeRay("a real API server", realWorld),
);

describe("the name of a RayJob", () => {
  it("is a DNS label of at most 47 characters, and another one for another submission", () => {
    const ids = ["a", "A", "a.b", "a_b", "a-b", "9", "x".repeat(100), `${"x".repeat(99)}y`];
    for (const id of ids) expect(jobName(id)).toMatch(/^[a-z]([-a-z0-9]{0,45}[a-z0-9])$/);
    expect(new Set(ids.map(jobName)).size).toBe(ids.length);
  });
});

describe("the cluster adapter under faults", () => {
  async function trial() {
    const world = await fakeWorld();
    await makeNamespace(world.client(), "runs");
    const template = { namespace: "runs", rayClusterSpec };
    const client = world.client();
    return { world, client, cluster: createCluster({ client, clock: systemClock, address: "c", template }) };
  }

  it.each<readonly [string, Fault]>([
    ["a lost reply", "lost-reply"],
    ["a cut connection", "cut"],
    ["a busy server", { http: 429, body: '{"kind":"Status","reason":"TooManyRequests"}' }],
  ])("submits and stops once despite %s", async (_, fault) => {
    const { world, client, cluster } = await trial();
    for (const call of [() => cluster.submit(job("once")), () => cluster.stop("once")]) {
      world.fake.fail(fault);
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(isTransient(error)).toBe(true);
      await call();
    }
    expect(await client.list(collectionPath(RAY_JOBS, "runs"))).toHaveLength(1);
    expect((await cluster.status("once")).state).toBe("STOPPED");
    await world.close();
  });

  it.each([
    ["a token that is not taken", 401, "Unauthorized", "KUBERNETES_UNAUTHENTICATED"],
    ["a right that has not arrived yet", 403, "Forbidden", "KUBERNETES_FORBIDDEN"],
  ])("does not give up a job that runs for %s", async (_, http, said, reason) => {
    const { world, cluster } = await trial();
    await cluster.submit(job("once"));
    const body = JSON.stringify({ kind: "Status", reason: said, message: "no" });
    for (const call of [
      () => cluster.status("once"),
      () => cluster.logs("once"),
      () => cluster.stop("once"),
    ]) {
      world.fake.fail({ http, body });
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: "UNAVAILABLE", reason });
      expect(isTransient(error)).toBe(true);
      await call();
    }
    // Also where it was found and may not be written.
    await cluster.submit(job("twice"));
    world.fake.fail("none", { http, body });
    await expect(cluster.stop("twice")).rejects.toMatchObject({ code: "UNAVAILABLE", reason });
    expect((await cluster.status("twice")).state).not.toBe("STOPPED");
    await cluster.stop("twice");
    expect((await cluster.status("twice")).state).toBe("STOPPED");
    await world.close();
  });

  it("stops a job that waits where the namespace has a default queue, out of which Kueue lets no job go", async () => {
    const { world, client } = await trial();
    const queue = { apiVersion: "kueue.x-k8s.io/v1beta2", kind: "LocalQueue" };
    await client.create("/apis/kueue.x-k8s.io/v1beta2/namespaces/runs/localqueues", {
      ...queue,
      metadata: { name: "default", namespace: "runs" },
    });
    const queueOf = () => "default";
    const waiting = { namespace: "runs", rayClusterSpec, queueOf };
    const cluster = createCluster({ client, clock: systemClock, address: "c", template: waiting });
    await cluster.submit(job("waiting"));
    await cluster.stop("waiting");
    expect((await cluster.status("waiting")).state).toBe("STOPPED");
    await world.close();
  });

  it("says what a forbidden call was, and tries it no more", async () => {
    const { world, cluster } = await trial();
    world.fake.fail({
      http: 403,
      body: '{"kind":"Status","reason":"Forbidden","message":"rayjobs.ray.io is forbidden"}',
    });
    await expect(cluster.submit(job("no"))).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      message: expect.stringContaining("rayjobs") as string,
    });
    expect(world.fake.requests.filter((request) => request.includes("rayjobs"))).toHaveLength(1);
    await world.close();
  });
});
