// The shipped policy on a real API server: nobody but Signalbox writes the routes of its endpoints.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type HttpRoute,
  REPLACED_ANNOTATION,
  TRAFFIC_ANNOTATION,
} from "../../../shared/adapters/kubernetes/route.ts";
import type { Asked } from "../../support/kubernetes/ask.ts";
import { type Attempt, eachAttempt } from "../../support/kubernetes/attempts.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import { backendRefs, label, OURS, owner, route } from "../../support/kubernetes/policy-attempts.ts";
import { policyPlace, policyWorld, type PolicyWorld } from "../../support/kubernetes/policy-world.ts";

const annotation = (key: string, value: string | null): Asked => ({
  body: { metadata: { annotations: { [key]: value } } },
});
const applied = { headers: { "content-type": "application/apply-patch+yaml" } };

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}the policy of routes`, () => {
  const place = policyPlace();
  const { routes, ranker } = place;
  let on: PolicyWorld;
  beforeAll(async () => {
    on = await policyWorld(place);
  }, KUBERNETES_START_MS);
  afterAll(() => on?.world.close());

  const theirs: readonly Attempt[] = [
    ["change the weights", "PATCH", ranker, { body: { spec: { rules: [{ backendRefs }] } } }],
    [
      "change the weights by the older version of the API",
      "PATCH",
      ranker.replace("/v1/", "/v1beta1/"),
      { body: { spec: { rules: [{ backendRefs }] } } },
    ],
    [
      "take the weights over by server-side apply",
      "PATCH",
      `${ranker}?fieldManager=theirs&force=true`,
      { ...route("ranker", {}), ...applied },
    ],
    ["detach it from its gateway", "PATCH", ranker, { body: { spec: { parentRefs: null } } }],
    ["change its host names", "PATCH", ranker, { body: { spec: { hostnames: ["theirs.example.com"] } } }],
    ["change the document", "PATCH", ranker, annotation(TRAFFIC_ANNOTATION, "{}")],
    ["take the document away", "PATCH", ranker, annotation(TRAFFIC_ANNOTATION, null)],
    ["change which write it replaced", "PATCH", ranker, annotation(REPLACED_ANNOTATION, "7")],
    ["take its label away", "PATCH", ranker, label("app.kubernetes.io/managed-by", null)],
    ["give it to another endpoint", "PATCH", ranker, label("signalbox.dev/endpoint", "other")],
    ["give it an owner to go with", "PATCH", ranker, { body: { metadata: { ownerReferences: [owner] } } }],
    ["delete it", "DELETE", ranker],
    ["make one that says to be ours", "POST", routes, route("forged", { labels: OURS })],
    [
      "make one with a document",
      "POST",
      routes,
      route("forged", { annotations: { [TRAFFIC_ANNOTATION]: "{}" } }),
    ],
    [
      "make one for an endpoint",
      "POST",
      routes,
      route("forged", { labels: { "signalbox.dev/endpoint": "forged" } }),
    ],
  ];
  describe.each(["stranger", "admin"] as const)("does not let %s, who may by RBAC,", (user) => {
    it.each(eachAttempt(theirs))("$what", async ({ method, path, asked }) => {
      const before = await on.world.client().get<HttpRoute>(ranker);
      const { http, body } = await on.ask(user, method, path, asked);
      expect(body["message"]).toContain("Only Signalbox writes the routes of its endpoints");
      expect({ http, reason: body["reason"] }).toEqual({ http: 403, reason: "Forbidden" });
      expect(await on.world.client().get<HttpRoute>(ranker)).toEqual(before);
    });

    it("make a route of its own ours", async () => {
      const name = `own-${user}`;
      expect(await on.ask(user, "POST", routes, route(name, {}))).toMatchObject({ http: 201 });
      const claim = label("app.kubernetes.io/managed-by", "signalbox");
      expect(await on.ask(user, "PATCH", `${routes}/${name}`, claim)).toMatchObject({ http: 403 });
    });
  });

  it("lets others do as they like with routes of their own, and note on ours what moves nothing", async () => {
    const helm = { labels: { "app.kubernetes.io/managed-by": "Helm" } };
    const own = `${routes}/own`;
    expect(await on.ask("stranger", "POST", routes, route("own", helm))).toMatchObject({ http: 201 });
    expect(
      await on.ask("stranger", "PATCH", own, { body: { spec: { rules: [{ backendRefs }] } } }),
    ).toMatchObject({
      http: 200,
    });
    expect(await on.ask("stranger", "DELETE", own)).toMatchObject({ http: 200 });
    const note = {
      body: { metadata: { annotations: { "example.com/seen": "1" }, labels: { cost: "search" } } },
    };
    expect(await on.ask("stranger", "PATCH", ranker, note)).toMatchObject({ http: 200 });
    const accepted = {
      type: "Accepted",
      status: "True",
      reason: "Accepted",
      message: "",
      lastTransitionTime: "2026-03-01T10:00:00Z",
    };
    const parent = {
      parentRef: { name: "models" },
      controllerName: "example.com/gateway",
      conditions: [accepted],
    };
    const status = { body: { status: { parents: [parent] } } };
    expect(await on.ask("stranger", "PATCH", `${ranker}/status`, status)).toMatchObject({ http: 200 });
    // What was noted stays where the next move writes.
    const document = await on.trafficAs("rollback").read("teams/search/endpoints/ranker");
    expect(document).toBeDefined();
    if (document === undefined) return;
    expect(await on.trafficAs("rollback").write("teams/search/endpoints/ranker", document)).toMatchObject({
      kind: "written",
    });
  });

  it("leaves the end of a namespace and of what owned a route to Kubernetes", async () => {
    const controllers = ["namespace-controller", "generic-garbage-collector"];
    for (const controller of controllers) {
      const headers = {
        "impersonate-user": `system:serviceaccount:kube-system:${controller}`,
        "impersonate-group": "system:masters",
      };
      const asked = { headers, body: { dryRun: ["All"] } };
      expect(await on.ask("admin", "DELETE", ranker, asked)).toMatchObject({ http: 200 });
      const { http } = await on.ask("admin", "PATCH", ranker, {
        ...annotation(TRAFFIC_ANNOTATION, "{}"),
        headers,
      });
      expect(http).toBe(403);
    }
  });

  it("is out of the way in an emergency once its binding is deleted, and lets Signalbox put right what was done", async () => {
    expect(await on.ask("admin", "DELETE", place.binding)).toMatchObject({ http: 200 });
    await on.untilStrangerGets(200);
    const theirs = { body: { spec: { rules: [{ backendRefs }] } } };
    expect(await on.ask("stranger", "PATCH", ranker, theirs)).toMatchObject({ http: 200 });
    await on.apply();
    await on.untilStrangerGets(403);
    const traffic = on.trafficAs("rollback");
    const document = await traffic.read("teams/search/endpoints/ranker");
    expect(document?.drift).toEqual({ theirs: 1 });
    if (document === undefined) return;
    expect(await traffic.write("teams/search/endpoints/ranker", document)).toMatchObject({ kind: "written" });
    expect((await traffic.read("teams/search/endpoints/ranker"))?.drift).toBeUndefined();
  });
});
