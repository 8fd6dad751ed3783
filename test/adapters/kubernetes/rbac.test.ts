// What the shipped roles let the rollback identity do on a real API server, and that it can do nothing more.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTraffic } from "../../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { EMPTY_TRAFFIC } from "../../../shared/domain/traffic.ts";
import { applyMove } from "../../../shared/domain/traffic-moves.ts";
import { markGood } from "../../../shared/domain/traffic-standing.ts";
import { rollback } from "../../../shared/runtime/rollback.ts";
import { editTraffic, moveTraffic } from "../../../shared/runtime/traffic.ts";
import { type KubernetesUser, userName } from "../../support/kubernetes/apiserver.ts";
import { askAs, rightsOf } from "../../support/kubernetes/ask.ts";
import { type Attempt, attemptsOnTheRest, eachAttempt, named } from "../../support/kubernetes/attempts.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { applyManifest } from "../../support/kubernetes/manifests.ts";
import { type KubernetesWorld, makeNamespace, realWorld } from "../../support/kubernetes/world.ts";

const endpoint = "teams/search/endpoints/ranker";
const version = (id: number) => `teams/search/models/ranker/versions/${id}`;

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}the shipped roles`, () => {
  const namespacePrefix = `r${randomBytes(4).toString("hex")}-`;
  const namespace = `${namespacePrefix}search`;
  const other = `${namespacePrefix}other`;
  let world: KubernetesWorld;

  const trafficAs = (user: KubernetesUser) =>
    createTraffic({
      client: world.client(user),
      placement: { namespacePrefix, gateway: { namespace: "gateways", name: "models" }, backendPort: 8080 },
      drifted: () => undefined,
    });

  beforeAll(async () => {
    world = await realWorld();
    const admin = world.client();
    await applyManifest(admin, "roles.yaml");
    await applyManifest(admin, "team.yaml", {
      TEAM_NAMESPACE: namespace,
      ROLLBACK_IDENTITY: userName("rollback"),
      ROLLOUT_IDENTITY: userName("rollout"),
    });
    await makeNamespace(admin, other);
    const ports = { traffic: trafficAs("rollout"), clock };
    const order = { endpoint, actor: "ada", reason: "rollout" } as const;
    await moveTraffic(ports, {
      ...order,
      kind: "first",
      to: { [version(1)]: 100 },
      cause: "c1",
      expectedEpoch: 0,
    });
    await editTraffic(ports, endpoint, (document, time) => markGood(endpoint, document, version(1), time));
    await moveTraffic(ports, {
      ...order,
      kind: "advance",
      to: { [version(2)]: 100 },
      cause: "c2",
      expectedEpoch: 1,
    });
    const inOther = applyMove("teams/other/endpoints/ranker", EMPTY_TRAFFIC, {
      kind: "first",
      to: { "teams/other/models/ranker/versions/1": 100 },
      cause: "c1",
      actor: "ada",
      reason: "first",
      time: "2026-03-01T10:00:00.000Z",
    });
    await trafficAs("admin").write("teams/other/endpoints/ranker", inOther);
  }, KUBERNETES_START_MS);
  afterAll(() => world?.close());

  it("let the rollout identity make routes, move traffic and find all endpoints", async () => {
    expect(await trafficAs("rollout").list()).toEqual(["teams/other/endpoints/ranker", endpoint]);
  });

  it("let the rollback identity roll back, with nothing else than its own rights", async () => {
    const deploys = { status: async () => ({ state: "ready", message: "", since: "" }) as const };
    const ports = { traffic: trafficAs("rollback"), clock, deploys };
    const outcome = await rollback(ports, { endpoint, from: version(2), actor: "grace", reason: "errors" });
    expect(outcome).toMatchObject({ to: version(1), epoch: 3, alreadyMoved: false });
    expect((await trafficAs("admin").read(endpoint))?.traffic.hold).toMatchObject({ actor: "grace" });
  });

  it("let it do exactly two things, as the server itself counts", async () => {
    expect(await rightsOf(world, "rollback", namespace)).toEqual([
      { verbs: ["get", "patch"], apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"] },
    ]);
  });

  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  const elsewhere = `/apis/gateway.networking.k8s.io/v1/namespaces/${other}/httproutes`;
  const attempts: readonly Attempt[] = [
    ["list routes", "GET", routes],
    ["list the routes of all teams", "GET", "/apis/gateway.networking.k8s.io/v1/httproutes"],
    ["watch a route", "GET", `${routes}?watch=true&fieldSelector=metadata.name=ranker`],
    ["create a route", "POST", routes, { body: named("HTTPRoute", "gateway.networking.k8s.io/v1") }],
    [
      "replace a route",
      "PUT",
      `${routes}/ranker`,
      { body: named("HTTPRoute", "gateway.networking.k8s.io/v1") },
    ],
    ["delete a route", "DELETE", `${routes}/ranker`],
    ["delete all routes", "DELETE", routes],
    [
      "patch the status of a route",
      "PATCH",
      `${routes}/ranker/status`,
      { body: { status: { parents: [] } } },
    ],
    ["read the route of another team", "GET", `${elsewhere}/ranker`],
    [
      "patch the route of another team",
      "PATCH",
      `${elsewhere}/ranker`,
      { body: { metadata: { annotations: { a: "b" } } } },
    ],
    [
      "patch a deployment",
      "PATCH",
      `/apis/apps/v1/namespaces/${namespace}/deployments/ranker`,
      { body: { spec: { replicas: 0 } } },
    ],
    [
      "scale a deployment",
      "PATCH",
      `/apis/apps/v1/namespaces/${namespace}/deployments/ranker/scale`,
      { body: { spec: { replicas: 0 } } },
    ],
    [
      "run a Ray job",
      "POST",
      `/apis/ray.io/v1/namespaces/${namespace}/rayjobs`,
      { body: named("RayJob", "ray.io/v1") },
    ],
    [
      "read a route as somebody else",
      "GET",
      `${routes}/ranker`,
      { headers: { "impersonate-user": userName("rollout") } },
    ],
    ...attemptsOnTheRest(namespace, "signalbox-rollback"),
  ];
  it.each(eachAttempt(attempts))("do not let it $what", async ({ method, path, asked }) => {
    const { http, body } = await askAs(world, "rollback", method, path, asked);
    expect(body).toMatchObject({ kind: "Status", reason: "Forbidden" });
    expect(http).toBe(403);
  });

  it("show a stranger nothing", async () => {
    await expect(trafficAs("stranger").read(endpoint)).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "KUBERNETES_FORBIDDEN",
    });
  });
});
