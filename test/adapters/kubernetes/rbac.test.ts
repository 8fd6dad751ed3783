// What the shipped roles let the rollback identity do on a real API server, and that it can do nothing more.
import { randomBytes } from "node:crypto";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTraffic } from "../../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { EMPTY_TRAFFIC } from "../../../shared/domain/traffic.ts";
import { applyMove } from "../../../shared/domain/traffic-moves.ts";
import { markGood } from "../../../shared/domain/traffic-standing.ts";
import { rollback } from "../../../shared/runtime/rollback.ts";
import { editTraffic, moveTraffic } from "../../../shared/runtime/traffic.ts";
import { type KubernetesUser, userName } from "../../support/kubernetes/apiserver.ts";
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

  async function ask(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    { body, headers = {} }: { body?: object; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<{ readonly http: number; readonly body: Record<string, unknown> }> {
    const { server, token, dispatcher } = world.access("rollback");
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await request(new URL(path, server), {
      method,
      headers: { authorization: `Bearer ${await token()}`, "content-type": type, ...headers },
      ...(dispatcher === undefined ? {} : { dispatcher }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { http: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
  }

  it("let it do exactly two things, as the server itself counts", async () => {
    const review = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectRulesReview",
      spec: { namespace },
    };
    const { body } = await ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", {
      body: review,
    });
    const { resourceRules, incomplete } = body["status"] as {
      resourceRules: { verbs: string[]; apiGroups: string[]; resources: string[] }[];
      incomplete: boolean;
    };
    expect(incomplete).toBe(false);
    // What every authenticated user may do is to ask who he is and what he may.
    const own = resourceRules.filter(({ resources }) => !resources.every((name) => name.startsWith("self")));
    expect(own).toEqual([
      { verbs: ["get", "patch"], apiGroups: ["gateway.networking.k8s.io"], resources: ["httproutes"] },
    ]);
  });

  const routes = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes`;
  const elsewhere = `/apis/gateway.networking.k8s.io/v1/namespaces/${other}/httproutes`;
  const core = `/api/v1/namespaces/${namespace}`;
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const named = (kind: string, apiVersion = "v1") => ({ apiVersion, kind, metadata: { name: "theirs" } });
  const asAdmin = { "impersonate-user": userName("admin"), "impersonate-group": "system:masters" };

  type Method = Parameters<typeof ask>[0];
  const attempts: readonly (readonly [string, Method, string, Parameters<typeof ask>[2]?])[] = [
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
    ["read a gateway", "GET", `/apis/gateway.networking.k8s.io/v1/namespaces/gateways/gateways/models`],
    ["list secrets", "GET", `${core}/secrets`],
    ["read a secret", "GET", `${core}/secrets/token`],
    ["list the secrets of all namespaces", "GET", "/api/v1/secrets"],
    ["read a config map", "GET", `${core}/configmaps/kube-root-ca.crt`],
    ["make a pod", "POST", `${core}/pods`, { body: named("Pod") }],
    ["run something in a pod", "POST", `${core}/pods/server/exec?command=sh`],
    ["patch a service", "PATCH", `${core}/services/ranker`, { body: { spec: { selector: { a: "b" } } } }],
    [
      "make a token of a service account",
      "POST",
      `${core}/serviceaccounts/default/token`,
      { body: { spec: {} } },
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
      "give itself a role",
      "POST",
      `${rbac}/namespaces/${namespace}/rolebindings`,
      { body: named("RoleBinding", "rbac.authorization.k8s.io/v1") },
    ],
    [
      "widen its role",
      "PATCH",
      `${rbac}/clusterroles/signalbox-rollback`,
      { body: { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] } },
    ],
    ["list namespaces", "GET", "/api/v1/namespaces"],
    ["delete the namespace", "DELETE", core],
    ["list nodes", "GET", "/api/v1/nodes"],
    ["list resource definitions", "GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"],
    ["read a route as somebody else", "GET", `${routes}/ranker`, { headers: asAdmin }],
    ["list secrets as an administrator", "GET", "/api/v1/secrets", { headers: asAdmin }],
  ];
  it.each(attempts.map(([what, method, path, options]) => ({ what, method, path, options })))(
    "do not let it $what",
    async ({ method, path, options }) => {
      const { http, body } = await ask(method, path, options);
      expect(body).toMatchObject({ kind: "Status", reason: "Forbidden" });
      expect(http).toBe(403);
    },
  );

  it("show a stranger nothing", async () => {
    await expect(trafficAs("stranger").read(endpoint)).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      reason: "KUBERNETES_FORBIDDEN",
    });
  });
});
