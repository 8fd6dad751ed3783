// The shipped policy on a real API server: Signalbox writes the routes of its endpoints, and moves nothing but their weights.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpRoute } from "../../../shared/adapters/kubernetes/route.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { markGood } from "../../../shared/domain/traffic-standing.ts";
import { rollback } from "../../../shared/runtime/rollback.ts";
import { editTraffic, moveTraffic } from "../../../shared/runtime/traffic.ts";
import { type Attempt, eachAttempt } from "../../support/kubernetes/attempts.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { backendRefs, label, OURS, owner, route } from "../../support/kubernetes/policy-attempts.ts";
import {
  orderOf,
  policyPlace,
  policyWorld,
  type PolicyWorld,
  versionOf,
} from "../../support/kubernetes/policy-world.ts";

const endpoints = ["teams/search/endpoints/ranker", "teams/default/endpoints/ranker"];

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}the policy of routes`, () => {
  const place = policyPlace();
  const { routes, ranker } = place;
  let on: PolicyWorld;
  beforeAll(async () => {
    on = await policyWorld(place);
  }, KUBERNETES_START_MS);
  afterAll(() => on?.world.close());

  it.each(endpoints)(
    "lets Signalbox make the route of %s, move its traffic and take it back",
    async (endpoint) => {
      const ports = { traffic: on.trafficAs("rollout"), clock };
      await moveTraffic(ports, orderOf(endpoint, 0));
      const one = versionOf(endpoint, 1);
      await editTraffic(ports, endpoint, (document, time) => markGood(endpoint, document, one, time));
      await moveTraffic(ports, orderOf(endpoint, 1));
      const deploys = { status: async () => ({ state: "ready", message: "", since: "" }) as const };
      const backwards = { endpoint, from: versionOf(endpoint, 2), actor: "grace", reason: "errors" };
      const done = await rollback({ traffic: on.trafficAs("rollback"), clock, deploys }, backwards);
      expect(done).toMatchObject({ to: one, epoch: 3, alreadyMoved: false });
    },
  );

  const matches = [{ path: { type: "PathPrefix", value: "/search/ranker" } }];
  const rules = (rule: object) => ({ body: { spec: { rules: [{ matches, backendRefs, ...rule }] } } });
  const redirect = { type: "RequestRedirect", requestRedirect: { hostname: "theirs.example.com" } };
  const mirror = { type: "RequestMirror", requestMirror: { backendRef: { name: "theirs", port: 80 } } };
  const rewrite = { type: "URLRewrite", urlRewrite: { hostname: "theirs.example.com" } };
  const away = [{ name: "theirs", namespace: `${place.namespacePrefix}default`, port: 80 }];
  const kind = [{ name: "theirs", group: "theirs.example.com", kind: "Backend" }];
  const mine = { ...OURS, "signalbox.dev/team": "default", "signalbox.dev/endpoint": "forged" };
  const beyond: readonly Attempt[] = [
    [
      "write a route that is not its own",
      "PATCH",
      `${routes}/plain`,
      { body: { spec: { rules: [{ backendRefs }] } } },
    ],
    ["make a route its own", "PATCH", `${routes}/plain`, { body: { metadata: { labels: { ...mine } } } }],
    ["make a route for the team of another namespace", "POST", routes, route("forged", { labels: mine })],
    ["give its route up", "PATCH", ranker, label("app.kubernetes.io/managed-by", null)],
    [
      "move its route to another gateway",
      "PATCH",
      ranker,
      { body: { spec: { parentRefs: [{ name: "theirs" }] } } },
    ],
    ["take other host names", "PATCH", ranker, { body: { spec: { hostnames: ["theirs.example.com"] } } }],
    ["tie its route to an owner", "PATCH", ranker, { body: { metadata: { ownerReferences: [owner] } } }],
    [
      "take another path",
      "PATCH",
      ranker,
      rules({ matches: [{ path: { type: "PathPrefix", value: "/search/other" } }] }),
    ],
    [
      "take the short path of the default team",
      "PATCH",
      ranker,
      rules({ matches: [{ path: { type: "PathPrefix", value: "/ranker" } }] }),
    ],
    ["take every path", "PATCH", ranker, { body: { spec: { rules: [{ backendRefs }] } } }],
    ["send users away", "PATCH", ranker, rules({ filters: [redirect], backendRefs: [] })],
    ["copy requests", "PATCH", ranker, rules({ filters: [mirror] })],
    ["ask another host", "PATCH", ranker, rules({ filters: [rewrite] })],
    ["send requests to another namespace", "PATCH", ranker, rules({ backendRefs: away })],
    ["send requests to what is no Service", "PATCH", ranker, rules({ backendRefs: kind })],
    [
      "copy requests at a backend",
      "PATCH",
      ranker,
      rules({ backendRefs: [{ ...backendRefs[0], filters: [mirror] }] }),
    ],
  ];
  it.each(eachAttempt(beyond))("does not let Signalbox $what", async ({ method, path, asked }) => {
    await on.ask("admin", "POST", routes, route("plain", {}));
    const before = await on.world.client().get<HttpRoute>(ranker);
    // The rollback identity cannot create by RBAC, so the rollout's tries that.
    const { http, body } = await on.ask(method === "POST" ? "rollout" : "rollback", method, path, asked);
    expect(body["message"]).toContain("ValidatingAdmissionPolicy 'signalbox-routes");
    expect(http).toBe(403);
    expect(await on.world.client().get<HttpRoute>(ranker)).toEqual(before);
  });
});
