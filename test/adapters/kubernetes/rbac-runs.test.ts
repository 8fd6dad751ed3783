// What the shipped role lets the identity of runs do on a real API server, and that it can do nothing more.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { userName } from "../../support/kubernetes/apiserver.ts";
import { askAs, rightsOf } from "../../support/kubernetes/ask.ts";
import { type Attempt, attemptsOnTheRest, eachAttempt, named } from "../../support/kubernetes/attempts.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { applyManifest } from "../../support/kubernetes/manifests.ts";
import { type KubernetesWorld, makeNamespace, realWorld } from "../../support/kubernetes/world.ts";

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}the identity of runs`, () => {
  const namespace = `u${randomBytes(4).toString("hex")}-runs`;
  const other = `${namespace}-other`;
  let world: KubernetesWorld;

  beforeAll(async () => {
    world = await realWorld();
    const admin = world.client();
    await applyManifest(admin, "roles.yaml");
    const names = {
      RUNS_NAMESPACE: namespace,
      RUNS_IDENTITY: userName("runs"),
      DATA_IDENTITY: userName("runs"),
    };
    await applyManifest(admin, "runs.yaml", names);
    await makeNamespace(admin, other);
  }, KUBERNETES_START_MS);
  afterAll(() => world?.close());

  const core = `/api/v1/namespaces/${namespace}`;
  const ray = `/apis/ray.io/v1/namespaces/${namespace}`;
  const kueue = `/apis/kueue.x-k8s.io/v1beta2`;
  const rayElsewhere = `/apis/ray.io/v1/namespaces/${other}`;
  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  const job = named("RayJob", "ray.io/v1");

  it("submits, watches over and stops jobs, as the server itself counts", async () => {
    const rights = await rightsOf(world, "runs", namespace);
    expect(
      rights.map(({ verbs, resources }) => [resources.join(), verbs.toSorted().join()]).toSorted(),
    ).toEqual([
      ["pods", "list"],
      ["pods/log", "get"],
      ["rayjobs", "create,get,patch"],
      ["workloads", "list,patch"],
    ]);
  });

  it("gets no pod on the node's network, in its file system or with its rights, whatever its job asks for", async () => {
    const container = { name: "ray", image: "rayproject/ray:2.60.0" };
    const pod = (name: string, spec: object) => ({ ...named("Pod"), metadata: { name }, spec });
    const pods = [
      pod("rights", {
        containers: [{ ...container, securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }],
      }),
      pod("network", { containers: [container], hostNetwork: true }),
      pod("files", { containers: [container], volumes: [{ name: "root", hostPath: { path: "/" } }] }),
    ];
    for (const body of pods) {
      const answer = await askAs(world, "admin", "POST", `${core}/pods`, { body });
      expect(answer).toMatchObject({ http: 403, body: { reason: "Forbidden" } });
      expect(answer.body["message"]).toContain("PodSecurity");
    }
    const plain = pod("plain", { containers: [container] });
    expect(await askAs(world, "admin", "POST", `${core}/pods`, { body: plain })).toMatchObject({ http: 201 });
  });

  const attempts: readonly Attempt[] = [
    ["list jobs", "GET", `${ray}/rayjobs`],
    ["list the jobs of all namespaces", "GET", "/apis/ray.io/v1/rayjobs"],
    ["watch a job", "GET", `${ray}/rayjobs?watch=true&fieldSelector=metadata.name=run`],
    ["replace a job", "PUT", `${ray}/rayjobs/run`, { body: job }],
    ["delete a job", "DELETE", `${ray}/rayjobs/run`],
    ["delete all jobs", "DELETE", `${ray}/rayjobs`],
    [
      "say that a job succeeded",
      "PATCH",
      `${ray}/rayjobs/run/status`,
      { body: { status: { jobStatus: "SUCCEEDED" } } },
    ],
    ["read a job of another namespace", "GET", `${rayElsewhere}/rayjobs/run`],
    ["run a job in another namespace", "POST", `${rayElsewhere}/rayjobs`, { body: job }],
    [
      "make a cluster that no job ends",
      "POST",
      `${ray}/rayclusters`,
      { body: named("RayCluster", "ray.io/v1") },
    ],
    ["serve with Ray", "POST", `${ray}/rayservices`, { body: named("RayService", "ray.io/v1") }],
    [
      "make a workload",
      "POST",
      `${kueue}/namespaces/${namespace}/workloads`,
      { body: named("Workload", "kueue.x-k8s.io/v1beta2") },
    ],
    ["delete a workload", "DELETE", `${kueue}/namespaces/${namespace}/workloads/run`],
    [
      "admit its own workload",
      "PATCH",
      `${kueue}/namespaces/${namespace}/workloads/run/status`,
      { body: { status: { admission: {} } } },
    ],
    [
      "give itself another queue",
      "POST",
      `${kueue}/namespaces/${namespace}/localqueues`,
      { body: named("LocalQueue", "kueue.x-k8s.io/v1beta2") },
    ],
    ["raise a quota", "PATCH", `${kueue}/clusterqueues/gpus`, { body: { spec: { resourceGroups: [] } } }],
    [
      "make itself more urgent",
      "POST",
      `${kueue}/workloadpriorityclasses`,
      { body: named("WorkloadPriorityClass", "kueue.x-k8s.io/v1beta2") },
    ],
    ["read a pod", "GET", `${core}/pods/run`],
    ["read the log of a pod of another namespace", "GET", `/api/v1/namespaces/${other}/pods/run/log`],
    ["list the pods of all namespaces", "GET", "/api/v1/pods"],
    ["read a route", "GET", `${routes}/ranker`],
    ["patch a route", "PATCH", `${routes}/ranker`, { body: { spec: { rules: [] } } }],
    ["list routes", "GET", "/apis/gateway.networking.k8s.io/v1/httproutes"],
    [
      "take the rollback identity's place",
      "GET",
      `${routes}/ranker`,
      { headers: { "impersonate-user": userName("rollback") } },
    ],
    ...attemptsOnTheRest(namespace, "signalbox-runs"),
  ];
  it.each(eachAttempt(attempts))("cannot $what", async ({ method, path, asked }) => {
    const { http, body } = await askAs(world, "runs", method, path, asked);
    expect(body).toMatchObject({ kind: "Status", reason: "Forbidden" });
    expect(http).toBe(403);
  });
});
