// Serving as it is composed on Google Cloud, in one process: the rollout service and the API's routes over the openers that their mains
// use, each with its own identity on a real API server; Cloud Deploy, Workflows (our engine on the shipped canary) and Prometheus on loopback.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { openGoogleRollout } from "../../../scripts/compose/open-google-rollout.ts";
import { openGoogleServing } from "../../../scripts/compose/open-google-serving.ts";
import { endpointRoutes } from "../../../services/api/routes/endpoints.ts";
import { rolloutRoutes } from "../../../services/api/routes/rollouts.ts";
import { createRelay } from "../../../services/relay/relay.ts";
import { createRollout } from "../../../services/rollout/rollout.ts";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import { createPrometheusClient } from "../../../shared/adapters/google/metrics-client.ts";
import { objectPath, HTTP_ROUTES } from "../../../shared/adapters/kubernetes/objects.ts";
import type { HttpRoute } from "../../../shared/adapters/kubernetes/route.ts";
import { createBus } from "../../../shared/adapters/local/bus.ts";
import { openDatabase } from "../../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../../shared/adapters/local/dead-letters.ts";
import { createLedger } from "../../../shared/adapters/local/ledger.ts";
import { createOutbox } from "../../../shared/adapters/local/outbox.ts";
import { createViews } from "../../../shared/adapters/local/views.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { backendName } from "../../../shared/domain/backend.ts";
import type { Decider } from "../../../shared/domain/decider.ts";
import { endpoint as endpointDecider } from "../../../shared/domain/endpoint.ts";
import type { AnyFact } from "../../../shared/domain/fact.ts";
import type { FactType } from "../../../shared/domain/facts.ts";
import { model } from "../../../shared/domain/model.ts";
import { rolloutName } from "../../../shared/domain/rollout-name.ts";
import { createPump } from "../../../shared/runtime/outbox.ts";
import { record } from "../../../shared/runtime/record.ts";
import { repeat } from "../../../shared/runtime/repeat.ts";
import { createServer } from "../../../shared/runtime/server.ts";
import { as, listen, testIdentity, WORKFLOW_TOKEN } from "../../services/door.ts";
import { userName } from "../kubernetes/apiserver.ts";
import { applyManifest } from "../kubernetes/manifests.ts";
import { realWorld } from "../kubernetes/world.ts";
import { createLogBook } from "../world.ts";
import { DIGEST, manifests, startCloudDeploy } from "./cloud-deploys.ts";
import { createExecutionsServer } from "./executions-server.ts";
import { startPrometheusFake } from "./prometheus-fake.ts";
import { createServingCluster } from "./serving-cluster.ts";
import { createServingLoad } from "./serving-load.ts";
import { PIPELINE, SERVING_SETTINGS } from "./serving-settings.ts";

/** Quick, with the statistics of the default. */
const POLICY = {
  steps: [50],
  step: { minSeconds: 1, minRequests: 40 },
  timeLimit: "5m",
  judge: {
    window: "1s",
    look: "1s",
    scrape: "1s",
    errors: { tolerance: 0.01, margin: 1.25, unacceptable: 2 },
  },
};
const ROUND_MS = 200;
const SCRAPE_MS = 1_000;

/** What stands outside of the control plane. */
async function outsideOf(team: string) {
  const kubernetes = await realWorld();
  const admin = kubernetes.client("admin");
  const namespace = { TEAM_NAMESPACE: `team-${team}`, ROLLOUT_IDENTITY: userName("rollout") };
  await applyManifest(admin, "roles.yaml");
  await applyManifest(admin, "team.yaml", { ...namespace, ROLLBACK_IDENTITY: userName("api") });
  const identities = { API_IDENTITY: userName("api"), DEPLOY_IDENTITY: userName("deploy") };
  await applyManifest(admin, "backends.yaml", { ...namespace, ...identities });
  const cluster = createServingCluster(kubernetes);
  const deploy = await startCloudDeploy({ pipeline: PIPELINE, target: "signalbox-test-backends", cluster });
  const canary = readFileSync("workflows/canary.yaml", "utf8");
  const workflows = await createExecutionsServer(
    { "signalbox-test-canary": canary },
    { token: WORKFLOW_TOKEN },
  );
  return { kubernetes, admin, cluster, deploy, workflows, prometheus: await startPrometheusFake() };
}

type Outside = Awaited<ReturnType<typeof outsideOf>>;

/** The ledger and the bus of the control plane, in memory, on real time. */
function storesOf() {
  const db = openDatabase(":memory:");
  const log = createLogBook();
  const outbox = createOutbox(db);
  const deadLetters = createDeadLetters(db);
  const bus = createBus({ deadLetters, clock, log });
  const pump = createPump({ outbox, bus, deadLetters, clock, log });
  const announce = (facts: readonly AnyFact[]): Promise<void> => pump.announce(facts);
  return {
    db,
    clock,
    log,
    outbox,
    deadLetters,
    bus,
    pump,
    announce,
    ledger: createLedger(db),
    views: createViews(db),
  };
}

type Stores = ReturnType<typeof storesOf>;

/** The rollout service and the API's routes, over the openers that their mains use. */
async function composed(outside: Outside, stores: Stores) {
  const { kubernetes, deploy, workflows, prometheus } = outside;
  const { log } = stores;
  const bucket = deploy.storage.bucket("deploys");
  const clients = {
    executions: workflows.client,
    query: createPrometheusClient({ url: prometheus.url }),
    deploys: {
      client: deploy.client,
      objects: createCloudBuildObjects({ bucket, prefix: "releases", clock }),
    },
  };
  const file = { path: "serving/ranker/server.yaml", mode: "100644", size: 1, objectId: "server" };
  const ofRollout = openGoogleRollout(
    SERVING_SETTINGS,
    {
      log,
      manifests: { tree: async () => [file], blob: async () => Buffer.from(manifests()) },
      artifacts: { digest: async () => DIGEST },
      workflows: ["canary"],
    },
    { ...clients, cluster: kubernetes.client("rollout") },
  );
  const ofApi = openGoogleServing(
    SERVING_SETTINGS,
    { log, workflows: ["canary"] },
    { ...clients, cluster: kubernetes.client("api") },
  );
  const api = createServer({ clock, log, identity: testIdentity(), drainMs: 0 });
  await api.register(rolloutRoutes({ ...stores, ...ofApi }));
  await api.register(endpointRoutes({ ...stores, ...ofApi }));
  const url = `http://127.0.0.1:${await listen(api)}`;
  const rollout = createRollout({ ...stores, ...ofRollout, counters: ofRollout.metrics, api: () => url });
  stores.bus.subscribe(rollout);
  return { api, url, rollout };
}

/** What people, trainers and time do to the endpoint of a team. */
function handlesOf(team: string, stores: Stores, url: string) {
  const endpoint = `teams/${team}/endpoints/ranker`;
  const stream = `teams/${team}/models/ranker`;
  const versionOf = (id: number): string => `${stream}/versions/${id}`;
  const recorded = <State, Input, Type extends FactType>(
    decider: Decider<State, Input, Type>,
    subject: string,
    cause: string,
    input: Input,
  ) => record(stores, decider, { stream: subject, cause, input, actor: "people/test" });
  return {
    endpoint,
    versionOf,
    backendOf: (id: number) => backendName(endpoint, versionOf(id)),
    stateOf: async (id: number) =>
      (await stores.views.get("rollouts", rolloutName(endpoint, versionOf(id), 1)))?.["state"],
    configure: () =>
      recorded(endpointDecider, endpoint, "configure", {
        kind: "configure",
        settings: {
          repository: "acme/platform",
          commit: "1".repeat(40),
          serving: { manifests: "serving/ranker", parameters: {}, directory: "serving/ranker" },
          rollout: POLICY,
          standbyMs: 60_000,
        },
      }),
    /** Registers a version for the endpoint, and has it verified. */
    async register(id: number) {
      const artifact = { uri: `gs://models/ranker/${id}`, digest: DIGEST };
      const version = { model: stream, versionId: String(id), artifact, datasets: [], metrics: {}, endpoint };
      await recorded(model, stream, `create/${id}`, { kind: "create", ...version });
      await recorded(model, stream, `verify/${id}`, { kind: "verified", modelVersion: versionOf(id) });
    },
    rollback: (reason: string) =>
      fetch(`${url}/v1/${endpoint}:rollback`, {
        method: "POST",
        headers: { ...as("operator"), "content-type": "application/json" },
        body: JSON.stringify({ reason }),
      }),
  };
}

/** Starts all of it. */
export async function createServingOnGoogle() {
  const team = `g${randomBytes(4).toString("hex")}`;
  const outside = await outsideOf(team);
  const { kubernetes, admin, cluster, deploy, workflows, prometheus } = outside;
  const stores = storesOf();
  const { api, url, rollout } = await composed(outside, stores);
  const relay = createRelay(stores);
  const routePath = objectPath(HTTP_ROUTES, `team-${team}`, "ranker");
  const route = () => admin.get<HttpRoute>(routePath);
  const load = createServingLoad(prometheus, { team, endpoint: "ranker" }, route);
  const loops = [
    repeat(stores, "relay", ROUND_MS, () => relay.reconcile()),
    repeat(stores, "rollout", ROUND_MS, async () => rollout.reconcile?.()),
    repeat(stores, "load", SCRAPE_MS, load),
  ];
  return {
    ...handlesOf(team, stores, url),
    log: stores.log,
    deploy,
    workflows,
    refused: cluster.refused,
    route,
    /** Changes the weights of the route as somebody with `kubectl edit` would. */
    async edit(weights: readonly { readonly name: string; readonly weight: number }[]) {
      const rules = (await route())?.spec?.rules?.map((rule) => ({
        ...rule,
        backendRefs: weights.map((each) => ({ ...each, port: 80 })),
      }));
      await admin.patch(routePath, { spec: { rules } });
    },
    /** Cloud Deploy, Workflows, Prometheus, ledger and bus are gone; the API and the cluster stay. */
    async outage() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await Promise.all([deploy.close(), workflows.close(), prometheus.close(), stores.pump.close()]);
      stores.db.close();
    },
    async close() {
      await api.close();
      await kubernetes.close();
    },
  };
}
