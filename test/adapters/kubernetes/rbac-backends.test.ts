// What the shipped roles let three identities do with backends on a real API server: look, scale, deploy; and that each does no more.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findWorkload, scaleWorkload } from "../../../shared/adapters/google/deploys-workloads.ts";
import type { KubernetesObject } from "../../../shared/adapters/kubernetes/objects.ts";
import { type KubernetesUser, userName } from "../../support/kubernetes/apiserver.ts";
import { askAs } from "../../support/kubernetes/ask.ts";
import { attemptsOnTheRest, eachAttempt, named } from "../../support/kubernetes/attempts.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { applyManifest } from "../../support/kubernetes/manifests.ts";
import { type KubernetesWorld, makeNamespace, realWorld } from "../../support/kubernetes/world.ts";

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}backends`, () => {
  const suffix = randomBytes(4).toString("hex");
  const namespace = `b${suffix}-search`;
  const other = `b${suffix}-other`;
  const backend = `ranker-1-${suffix}`;
  const pod = { containers: [{ name: "server", image: "example.com/server:1" }] };
  const labels = { "signalbox.dev/backend": backend };
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: backend, labels },
    spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod } },
  };
  const inTeam = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  let world: KubernetesWorld;

  beforeAll(async () => {
    world = await realWorld();
    const admin = world.client();
    for (const name of [namespace, other]) await makeNamespace(admin, name);
    await applyManifest(admin, "roles.yaml");
    await applyManifest(admin, "backends.yaml", {
      TEAM_NAMESPACE: namespace,
      API_IDENTITY: userName("api"),
      ROLLOUT_IDENTITY: userName("rollout"),
      DEPLOY_IDENTITY: userName("deploy"),
    });
    await world.client("deploy").apply<KubernetesObject>(`${inTeam}/${backend}`, deployment, "cloud-deploy");
  }, KUBERNETES_START_MS);
  afterAll(() => world?.close());

  const find = (user: KubernetesUser) => findWorkload(world.client(user), backend);

  it("are seen by the api and the rollout identity, wherever they are", async () => {
    for (const user of ["api", "rollout"] as const)
      expect((await find(user))?.metadata).toMatchObject({ name: backend, namespace });
  });

  it("are scaled by the rollout identity, which changes nothing else of them", async () => {
    const found = (await find("rollout")) ?? expect.unreachable("no Deployment");
    await scaleWorkload(world.client("rollout"), found, "cold");
    expect((await find("rollout"))?.spec?.replicas).toBe(0);
    const body = { spec: { template: { spec: { hostNetwork: true } } } };
    expect((await askAs(world, "rollout", "PATCH", `${inTeam}/${backend}`, { body })).http).toBe(403);
  });

  it("are neither scaled nor changed by the api identity", async () => {
    const body = { spec: { replicas: 5 } };
    for (const path of [`${inTeam}/${backend}`, `${inTeam}/${backend}/scale`])
      expect((await askAs(world, "api", "PATCH", path, { body })).http).toBe(403);
  });

  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  const elsewhere = `/apis/apps/v1/namespaces/${other}/deployments`;
  it.each(
    eachAttempt([
      ["make a route", "POST", routes, { body: named("HTTPRoute", "gateway.networking.k8s.io/v1") }],
      ["change a route", "PATCH", `${routes}/ranker`, { body: { spec: {} } }],
      ["delete a backend", "DELETE", `${inTeam}/${backend}`],
      ["deploy to another team", "POST", elsewhere, { body: named("Deployment", "apps/v1") }],
      ...attemptsOnTheRest(namespace, "signalbox-deploy").filter(
        ([what]) => !["make a deployment", "patch a service", "read a config map"].includes(what),
      ),
    ]),
  )("do not let the identity of Cloud Deploy $what", async ({ method, path, asked }) => {
    const { http, body } = await askAs(world, "deploy", method, path, asked);
    expect(body).toMatchObject({ kind: "Status", reason: "Forbidden" });
    expect(http).toBe(403);
  });
});
