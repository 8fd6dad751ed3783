import { describe, expect, onTestFinished, test } from "vitest";
import { packBundle } from "../../../shared/adapters/google/deploys-bundle.ts";
import { renderManifests } from "../../../shared/adapters/google/deploys-manifests.ts";
import {
  findWorkload,
  scaleWorkload,
  workloadStatus,
} from "../../../shared/adapters/google/deploys-workloads.ts";
import type { KubernetesObject } from "../../../shared/adapters/kubernetes/objects.ts";
import type { ReleaseRequest } from "../../../shared/ports/deploys.ts";
import { untar } from "../../support/google/cloud-deploy-fake.ts";
import { DIGEST, manifests } from "../../support/google/cloud-deploys.ts";
import { KUBERNETES_MISSING, KUBERNETES_NOTE, KUBERNETES_START_MS } from "../../support/kubernetes/found.ts";
import {
  HEALTH_CHECK_DEFINITION,
  HEALTH_CHECK_DEFINITION_PATH,
} from "../../support/kubernetes/health-check-definition.ts";
import { makeNamespace, realWorld } from "../../support/kubernetes/world.ts";
import { until } from "../../support/until.ts";

const request = (parameters: ReleaseRequest["serving"]["parameters"] = {}): ReleaseRequest => ({
  endpoint: "teams/default/endpoints/ranker",
  modelVersion: "teams/default/models/ranker/versions/7",
  backend: "ranker-7-0123abcd",
  artifact: { uri: "gs://models/ranker/7", digest: DIGEST },
  serving: { manifests: "serving/ranker", parameters, directory: "serving/ranker" },
  repository: "acme/platform",
  commit: "0".repeat(40),
});

const MORE = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { batch: "8" }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: ranker }
spec:
  minReplicas: 2
  maxReplicas: 4
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: ranker }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: ranker }
spec: { maxUnavailable: 1 }
`;
const WITH_CONFIG = manifests("serve", MORE).replace(
  "      containers:",
  "      volumes: [{ name: settings, configMap: { name: settings } }]\n      containers:",
);

const FIXED = { portSpecification: "USE_FIXED_PORT", port: 8080 } as const;
const probed = (probe: string, more = ""): string =>
  manifests("serve", more).replace(
    "ports: [{ containerPort: 8080 }]",
    `ports: [{ name: http, containerPort: 8080 }]\n          readinessProbe: ${probe}`,
  );

const render = (text: string, parameters: ReleaseRequest["serving"]["parameters"] = {}) =>
  renderManifests(
    request(parameters),
    [{ path: "serving/ranker/server.yaml", bytes: Buffer.from(text) }],
    "team-default",
  );

describe("the manifests of a release", () => {
  test("bear the backend's name, select its pods alone, and tell the program what it serves", () => {
    const rendered = render(WITH_CONFIG, { replicas: 3, batchSize: 8 });
    expect(rendered.map(({ kind, metadata }) => [kind, metadata?.name, metadata?.namespace])).toEqual([
      ["Deployment", "ranker-7-0123abcd", "team-default"],
      ["Service", "ranker-7-0123abcd", "team-default"],
      ["ConfigMap", "ranker-7-0123abcd-settings", "team-default"],
      ["HorizontalPodAutoscaler", "ranker-7-0123abcd", "team-default"],
      ["PodDisruptionBudget", "ranker-7-0123abcd", "team-default"],
    ]);
    const selected = { "signalbox.dev/backend": "ranker-7-0123abcd" };
    const [deployment, service] = rendered;
    expect(service?.spec).toMatchObject({ selector: selected });
    expect(service?.spec?.["selector"]).toEqual(selected);
    expect(deployment).toMatchObject({
      metadata: {
        labels: { "app.kubernetes.io/managed-by": "signalbox", "signalbox.dev/endpoint": "ranker" },
        annotations: { "signalbox.dev/replicas": "3" },
      },
      spec: {
        replicas: 3,
        selector: { matchLabels: selected },
        template: { metadata: { labels: { app: "ranker", ...selected } } },
      },
    });
    const text = JSON.stringify(deployment);
    expect(text).toContain('{"name":"MODEL_VERSION","value":"teams/default/models/ranker/versions/7"}');
    expect(text).toContain('{"name":"PARAMETER_BATCHSIZE","value":"8"}');
    expect(text).not.toContain("overridden");
    expect(text).toContain('"configMap":{"name":"ranker-7-0123abcd-settings"}');
  });

  test.each([
    [
      "{ httpGet: { path: /v1/health, port: http }, periodSeconds: 7, timeoutSeconds: 9, failureThreshold: 99 }",
      { type: "HTTP", httpHealthCheck: { ...FIXED, requestPath: "/v1/health" } },
      { checkIntervalSec: 7, timeoutSec: 7, healthyThreshold: 1, unhealthyThreshold: 10 },
    ],
    [
      "{ httpGet: { port: 8080, scheme: HTTPS } }",
      { type: "HTTPS", httpsHealthCheck: { ...FIXED, requestPath: "/" } },
      { checkIntervalSec: 10, timeoutSec: 1, healthyThreshold: 1, unhealthyThreshold: 3 },
    ],
    [
      "{ grpc: { port: 8080, service: ranker } }",
      { type: "GRPC", grpcHealthCheck: { ...FIXED, grpcServiceName: "ranker" } },
      {},
    ],
    ["{ tcpSocket: { port: 8080 } }", { type: "TCP", tcpHealthCheck: FIXED }, {}],
  ])("let the load balancer ask what the readiness probe %s asks", (probe, config, times) => {
    expect(render(probed(probe)).at(-1)).toMatchObject({
      apiVersion: "networking.gke.io/v1",
      kind: "HealthCheckPolicy",
      metadata: {
        name: "ranker-7-0123abcd",
        namespace: "team-default",
        labels: { "app.kubernetes.io/managed-by": "signalbox" },
      },
      spec: {
        default: { config, ...times },
        targetRef: { group: "", kind: "Service", name: "ranker-7-0123abcd" },
      },
    });
  });

  test.each([
    "{ exec: { command: [true] } }",
    "{ httpGet: { port: nowhere } }",
    '{ httpGet: { port: 8080, path: "/ ?" } }',
  ])("leave the load balancer its own check where the readiness probe is %s", (probe) => {
    expect(render(probed(probe)).map(({ kind }) => kind)).toEqual(["Deployment", "Service"]);
  });

  test("may bring a health check and a backend policy of their own, which are led to the release's Service", () => {
    const own = `---
apiVersion: networking.gke.io/v1
kind: HealthCheckPolicy
metadata: { name: ranker }
spec:
  default: { config: { type: TCP, tcpHealthCheck: { port: 9000 } } }
  targetRef: { group: "", kind: Service, name: another }
---
apiVersion: networking.gke.io/v1
kind: GCPBackendPolicy
metadata: { name: ranker }
spec:
  default: { timeoutSec: 120 }
  targetRef: { group: "", kind: Service, name: ranker }
`;
    const rendered = render(probed("{ httpGet: { port: 8080 } }", own));
    const targetRef = { group: "", kind: "Service", name: "ranker-7-0123abcd" };
    expect(rendered.slice(2)).toMatchObject([
      { kind: "HealthCheckPolicy", spec: { default: { config: { type: "TCP" } }, targetRef } },
      { kind: "GCPBackendPolicy", spec: { default: { timeoutSec: 120 }, targetRef } },
    ]);
    expect(rendered).toHaveLength(4);
  });

  test.each([
    [
      "an HTTPRoute",
      manifests(
        "serve",
        "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: x }",
      ),
      /traffic is Signalbox's alone/,
    ],
    [
      "an Ingress",
      manifests("serve", "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: { name: x }"),
      /traffic/,
    ],
    [
      "a ClusterRole",
      manifests(
        "serve",
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: { name: x }",
      ),
      /only/,
    ],
    [
      "a kind that only sounds like one of ours",
      manifests("serve", "---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: { name: x }"),
      /only/,
    ],
    ["two Deployments", manifests("serve", `---\n${manifests()}`), /more than one/],
    ["no Service", manifests().split("---")[0] ?? "", /one Service, and here is none/],
    [
      "a Service of type LoadBalancer",
      manifests().replace(
        "spec:\n  selector: { app: ranker }\n  ports",
        "spec:\n  type: LoadBalancer\n  selector: { app: ranker }\n  ports",
      ),
      /ClusterIP/,
    ],
    ["no YAML", "a: [", /no YAML/],
    ["no object", "just text", /apiVersion/],
    [
      "an alias bomb",
      `a: &a [${"x,".repeat(50)}]\n${Array.from({ length: 200 }, (_, at) => `k${at}: *a`).join("\n")}`,
      /alias|apiVersion/i,
    ],
  ])("with %s are refused", (_, text, message) => {
    expect(() => render(text)).toThrow(message);
  });

  test("with bytes that are no UTF-8, too many bytes, or replicas that are no number are refused", () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00]);
    expect(() => renderManifests(request(), [{ path: "x.yaml", bytes }], "n")).toThrow(/UTF-8/);
    expect(() => render(`# ${"x".repeat(1024 * 1024)}\n${manifests()}`)).toThrow(/bytes/);
    for (const replicas of [0, 1.5, 2 ** 53, "many"])
      expect(() => render(manifests(), { replicas })).toThrow(/whole number/);
  });

  test.each(["9007199254740993", "-9007199254740993", "0x20000000000001", "1e30"])(
    "with the integer %s are refused: what the cluster got would be another one",
    (integer) => {
      const text = manifests("serve").replace("spec:\n", `spec:\n  revisionHistoryLimit: ${integer}\n`);
      expect(() => render(text)).toThrow(`server.yaml: ${integer} is an integer that is not kept exactly`);
      expect(() => render(text.replace(integer, "9007199254740991"))).not.toThrow();
    },
  );

  test("with __proto__ keys change nothing of ours", () => {
    const text = manifests(
      "serve",
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndata: { __proto__: { polluted: y } }",
    );
    const config = render(text).find(({ kind }) => kind === "ConfigMap") ?? expect.unreachable("none");
    // It is a key like any other.
    expect(JSON.stringify((config as { data?: unknown }).data)).toBe('{"__proto__":{"polluted":"y"}}');
    expect(Object.getPrototypeOf(config)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("are packed to the same bytes each time, as an archive that others read", () => {
    const [one, two] = [packBundle(render(WITH_CONFIG)), packBundle(render(WITH_CONFIG))];
    expect(Buffer.from(one.bytes).equals(Buffer.from(two.bytes))).toBe(true);
    const files = untar(one.bytes);
    expect([...files.keys()]).toEqual(["skaffold.yaml", "release.yaml"]);
    expect(JSON.parse(files.get("skaffold.yaml") ?? "")).toMatchObject({
      kind: "Config",
      manifests: { rawYaml: ["release.yaml"] },
    });
    expect(packBundle(render(manifests())).digest).not.toBe(one.digest);
  });
});

const PLURALS: Readonly<Record<string, string>> = {
  Deployment: "apis/apps/v1/namespaces/NS/deployments",
  Service: "api/v1/namespaces/NS/services",
  ConfigMap: "api/v1/namespaces/NS/configmaps",
  HorizontalPodAutoscaler: "apis/autoscaling/v2/namespaces/NS/horizontalpodautoscalers",
  PodDisruptionBudget: "apis/policy/v1/namespaces/NS/poddisruptionbudgets",
  HealthCheckPolicy: "apis/networking.gke.io/v1/namespaces/NS/healthcheckpolicies",
};

describe.skipIf(KUBERNETES_MISSING)(`${KUBERNETES_NOTE}on a real API server`, () => {
  test(
    "rendered manifests are accepted, and the Deployment is found by its label, scaled to nothing and back",
    async () => {
      const world = await realWorld();
      onTestFinished(() => world.close());
      const client = world.client();
      const namespace = "team-default";
      await makeNamespace(client, namespace);
      await client.apply(HEALTH_CHECK_DEFINITION_PATH, HEALTH_CHECK_DEFINITION, "signalbox-test");
      await until("the definition is established", async () => {
        const found = await client.get(HEALTH_CHECK_DEFINITION_PATH);
        return JSON.stringify(found).includes('"type":"Established"') || undefined;
      });
      const PROBED = "readinessProbe: { httpGet: { path: /v1/health, port: 8080 } }";
      const text = WITH_CONFIG.replace(/(ports: \[\{ containerPort[^\n]+)/, `$1\n          ${PROBED}`);
      const rendered = render(text, { replicas: 2 });
      expect(rendered.map(({ kind }) => kind)).toContain("HealthCheckPolicy");
      for (const manifest of rendered) {
        const path = `/${PLURALS[manifest.kind]?.replace("NS", namespace) ?? ""}/${manifest.metadata?.name ?? ""}`;
        await client.apply(path, manifest as unknown as KubernetesObject, "signalbox-test");
      }
      const find = async () =>
        (await findWorkload(client, "ranker-7-0123abcd")) ?? expect.unreachable("no Deployment");
      // No controller runs here, so nothing becomes ready.
      expect(workloadStatus(await find())).toMatchObject({ state: "preparing" });
      await scaleWorkload(client, await find(), "cold");
      expect(workloadStatus(await find())).toMatchObject({ state: "cold" });
      await scaleWorkload(client, await find(), "warm");
      expect((await find()).spec?.replicas).toBe(2);
      expect(await findWorkload(client, "ranker-8-00000000")).toBeUndefined();
    },
    KUBERNETES_START_MS,
  );
});
