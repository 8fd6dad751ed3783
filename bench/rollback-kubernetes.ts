// How long does a rollback take from the call to the patched HTTPRoute, on a real API server, beside one bare PATCH of the same size?
// KUBEBUILDER_ASSETS=… SIGNALBOX_TEST_CRDS=… node scripts/launch.mjs bench/rollback-kubernetes.ts [rollbacks]
import { accessByDnsEndpoint } from "../shared/adapters/kubernetes/access.ts";
import { createKubernetesClient } from "../shared/adapters/kubernetes/client.ts";
import { HTTP_ROUTES, objectPath } from "../shared/adapters/kubernetes/objects.ts";
import { teamNamespace } from "../shared/adapters/kubernetes/placement.ts";
import type { HttpRoute } from "../shared/adapters/kubernetes/route.ts";
import { createTraffic } from "../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../shared/adapters/system/clock.ts";
import { markGood } from "../shared/domain/traffic-standing.ts";
import { rollback } from "../shared/runtime/rollback.ts";
import { editTraffic, moveTraffic, readTraffic, resumeEndpoint } from "../shared/runtime/traffic.ts";
import { startApiServer } from "../test/support/kubernetes/apiserver.ts";
import { figuresOf, ms } from "./figures.ts";

const GOAL = 3;
const WARM_UP = 20;
const count = Number(process.argv[2] ?? 300);
const { KUBEBUILDER_ASSETS: assets, SIGNALBOX_TEST_CRDS: definitions } = process.env;
if (assets === undefined || definitions === undefined) {
  process.stderr.write(
    "KUBEBUILDER_ASSETS and SIGNALBOX_TEST_CRDS name no API server: nothing is measured.\n",
  );
  process.exit(75);
}

const endpoint = "teams/bench/endpoints/ranker";
const version = (id: number) => `teams/bench/models/ranker/versions/${id}`;
const namespace = teamNamespace("bench");
// Durable as in a cluster: etcd syncs every write to the disk.
const server = await startApiServer(assets, definitions, { durable: true });
const access = accessByDnsEndpoint(server.url, async () => server.tokens.admin, server.ca);
const client = createKubernetesClient(access);
await client.create("/api/v1/namespaces", {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: namespace },
});
const traffic = createTraffic({
  client,
  placement: { gateway: { namespace: "gateways", name: "models" }, backendPort: 8080 },
  drifted: () => undefined,
});
const deploys = { status: async () => ({ state: "ready", message: "", since: "" }) as const };
const ports = { traffic, clock, deploys };
const order = { endpoint, actor: "bench", reason: "bench" } as const;

/** A version goes to 100 %, so that there is something to go back from. */
async function advance(to: string): Promise<void> {
  await resumeEndpoint(ports, endpoint);
  const { epoch } = (await readTraffic(traffic, endpoint)).traffic;
  const kind = epoch === 0 ? "first" : "advance";
  await moveTraffic(ports, {
    ...order,
    kind,
    to: { [to]: 100 },
    cause: `bench/${epoch}`,
    expectedEpoch: epoch,
  });
}

await advance(version(1));
await editTraffic(ports, endpoint, (document, time) => markGood(endpoint, document, version(1), time));
const path = objectPath(HTTP_ROUTES, namespace, "ranker");
const rollbacks: number[] = [];
const patches: number[] = [];
for (let round = -WARM_UP; round < count; round++) {
  await advance(version(round + WARM_UP + 2));
  const from = performance.now();
  await rollback(ports, { ...order, from: version(round + WARM_UP + 2) });
  const rolledBack = performance.now() - from;
  // The yardstick: the same annotation and rules, without a thought.
  const route = await client.get<HttpRoute>(path);
  const annotations = { ...route?.metadata.annotations, "signalbox.dev/bench": String(round) };
  const began = performance.now();
  await client.patch(path, { metadata: { annotations }, spec: { rules: route?.spec?.rules } });
  const patched = performance.now() - began;
  if (round < 0) continue;
  rollbacks.push(rolledBack);
  patches.push(patched);
}
await access.dispatcher.close();
await server.stop();

const [whole, bare] = [figuresOf(rollbacks), figuresOf(patches)];
const ratio = whole.p99 / bare.p99;
process.stdout.write(
  [
    `rollback, call to patched HTTPRoute: p50 ${ms(whole.p50)}, p99 ${ms(whole.p99)} (${whole.count} times)`,
    `one bare PATCH of the same route:    p50 ${ms(bare.p50)}, p99 ${ms(bare.p99)}`,
    `ratio of p99: ${ratio.toFixed(2)} (goal: at most ${GOAL}), of p50: ${(whole.p50 / bare.p50).toFixed(2)}`,
    "",
  ].join("\n"),
);
process.exitCode = ratio <= GOAL ? 0 : 1;
