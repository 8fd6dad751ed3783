// What the shipped roles let the rollout identity do on a real API server, and that it can do nothing more.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { userName } from "../../support/kubernetes/apiserver.ts";
import { askAs, rightsOf } from "../../support/kubernetes/ask.ts";
import { type Attempt, attemptsOnTheRest, eachAttempt, named } from "../../support/kubernetes/attempts.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { applyManifest } from "../../support/kubernetes/manifests.ts";
import { type KubernetesWorld, makeNamespace, realWorld } from "../../support/kubernetes/world.ts";

const GATEWAY_API = "/apis/gateway.networking.k8s.io/v1";

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}the rollout identity`, () => {
  const prefix = `o${randomBytes(4).toString("hex")}-`;
  const namespace = `${prefix}search`;
  const other = `${prefix}other`;
  let world: KubernetesWorld;

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
  }, KUBERNETES_START_MS);
  afterAll(() => world?.close());

  const routes = `${GATEWAY_API}/namespaces/${namespace}/httproutes`;
  const elsewhere = `${GATEWAY_API}/namespaces/${other}/httproutes`;
  const route = named("HTTPRoute", "gateway.networking.k8s.io/v1");

  it("makes and moves routes of its teams and finds all, as the server itself counts", async () => {
    const rights = await rightsOf(world, "rollout", namespace);
    const onRoutes = rights.filter(({ resources }) => resources.includes("httproutes"));
    expect(new Set(onRoutes.flatMap(({ verbs }) => verbs))).toEqual(
      new Set(["get", "create", "patch", "list"]),
    );
    expect(rights.flatMap(({ verbs, resources }) => [...verbs, ...resources])).not.toContain("*");
    const { http } = await askAs(world, "rollout", "GET", `${GATEWAY_API}/httproutes`);
    expect(http).toBe(200);
  });

  const attempts: readonly Attempt[] = [
    ["watch a route", "GET", `${routes}?watch=true&fieldSelector=metadata.name=ranker`],
    ["watch the routes of all teams", "GET", `${GATEWAY_API}/httproutes?watch=true`],
    ["replace a route", "PUT", `${routes}/ranker`, { body: route }],
    ["delete a route", "DELETE", `${routes}/ranker`],
    ["delete all routes", "DELETE", routes],
    [
      "patch the status of a route",
      "PATCH",
      `${routes}/ranker/status`,
      { body: { status: { parents: [] } } },
    ],
    ["read the route of a team that is not bound", "GET", `${elsewhere}/ranker`],
    ["make a route in another namespace", "POST", elsewhere, { body: route }],
    [
      "patch a route in another namespace",
      "PATCH",
      `${elsewhere}/ranker`,
      { body: { metadata: { annotations: { a: "b" } } } },
    ],
    ["list gateways", "GET", `${GATEWAY_API}/gateways`],
    [
      "patch a gateway",
      "PATCH",
      `${GATEWAY_API}/namespaces/${namespace}/gateways/models`,
      { body: { spec: {} } },
    ],
    [
      "make a gateway of its own",
      "POST",
      `${GATEWAY_API}/namespaces/${namespace}/gateways`,
      { body: named("Gateway", "gateway.networking.k8s.io/v1") },
    ],
    [
      "let its routes reach another namespace",
      "POST",
      `/apis/gateway.networking.k8s.io/v1beta1/namespaces/${other}/referencegrants`,
      { body: named("ReferenceGrant", "gateway.networking.k8s.io/v1beta1") },
    ],
    [
      "run a Ray job",
      "POST",
      `/apis/ray.io/v1/namespaces/${namespace}/rayjobs`,
      { body: named("RayJob", "ray.io/v1") },
    ],
    ["read the log of a pod", "GET", `/api/v1/namespaces/${namespace}/pods/server/log`],
    ["list pods", "GET", `/api/v1/namespaces/${namespace}/pods`],
    [
      "take the rollback identity's place",
      "GET",
      `${routes}/ranker`,
      { headers: { "impersonate-user": userName("rollback") } },
    ],
    ...attemptsOnTheRest(namespace, "signalbox-rollout"),
  ];
  it.each(eachAttempt(attempts))("cannot $what", async ({ method, path, asked }) => {
    const { http, body } = await askAs(world, "rollout", method, path, asked);
    expect(body).toMatchObject({ kind: "Status", reason: "Forbidden" });
    expect(http).toBe(403);
  });
});
