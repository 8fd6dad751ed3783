// The API in a process of its own, over a state folder: to ask, to approve, and to take traffic back while nothing else runs.
// It starts also when `ledger.db` cannot be opened: then what needs it is refused, and a rollback works.
import { Type } from "typebox";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import { createLocalBuilds } from "../../shared/adapters/local/builds.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { type Database, openDatabase } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createWorkflowIdentity } from "../../shared/adapters/local/workflow-identity.ts";
import { createDeploysLook } from "../../shared/adapters/local/deploys-look.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { createFigures } from "../../shared/adapters/local/figures.ts";
import { createGrants } from "../../shared/adapters/local/grants.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createMetrics } from "../../shared/adapters/local/metrics.ts";
import { createLocalChecks } from "../../shared/adapters/local/code-host-checks.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createNotifications } from "../../shared/adapters/local/notifications.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { lockState } from "../../shared/adapters/local/state-lock.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Deploys } from "../../shared/ports/deploys.ts";
import { openNotifying } from "../../scripts/compose/open-notifying.ts";
import { openStores, type Stores } from "../../scripts/compose/open-stores.ts";
import { openStateFolder, type StateFolder } from "../../scripts/compose/state-folder.ts";
import { stopRequested } from "../../scripts/compose/stop.ts";
import { configure, hostOf, refuseGoogleCloud, type World } from "../../scripts/compose/world.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import { createLog, type Log } from "../../shared/runtime/log.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { watchProcess } from "../../shared/runtime/process-figures.ts";
import { countRequests } from "../../shared/runtime/request-counts.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { approvePlan, unblockStack } from "../../shared/runtime/stack-operations.ts";
import { createIssuer } from "../../shared/runtime/tokens.ts";
import { createApi } from "./app.ts";
import { resolveServing } from "./endpoints/serving.ts";
import { createQueryLineage } from "./lineage/query.ts";
import { modelVersionRegistered } from "./models/register.ts";
import { checkRoutes } from "./routes/checks.ts";
import { endpointRoutes } from "./routes/endpoints.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { notificationRoutes } from "./routes/notifications.ts";
import { rolloutRoutes } from "./routes/rollouts.ts";
import { runRoutes } from "./routes/runs.ts";
import { runRequested } from "./runs/create.ts";

/** The database, or one whose every call says why there is none. */
function openOrExplain(path: string, log: Log): Database {
  try {
    return openDatabase(path);
  } catch (error) {
    log.error({ error }, "The ledger cannot be opened. What needs it is refused; rollbacks work.");
    const fail = (): never => {
      throw error;
    };
    return { rows: fail, row: fail, write: async () => fail(), migrate: () => {}, close: () => {} };
  }
}

/** Alone on a folder, nobody supervises model servers: their state is unknown, which lets a rollback move. */
const unsupervised: Pick<Deploys, "status"> = {
  status: async () => ({
    state: "unknown",
    message: "this process does not supervise model servers",
    since: clock.now().toISOString(),
  }),
};

/** The stores on this machine, whose database may be away. */
function openLocalStores(state: StateFolder, log: Log): Stores {
  const db = openOrExplain(state.path("ledger.db"), log);
  return {
    db,
    ledger: createLedger(db),
    outbox: createOutbox(db),
    views: createViews(db),
    receipts: createReceipts(db),
    deadLetters: createDeadLetters(db),
    figures: createFigures(db),
    notifications: createNotifications(db),
    grants: createGrants(state.path("sessions")),
    // The outbox holds the facts already; the relay finds them there.
    announce: async () => {},
    bus: undefined,
    door: "",
    subscription: undefined,
    close: async () => db.close(),
  };
}

async function openPorts(state: StateFolder, world: World, log: Log, ray: string | undefined) {
  const secrets = createSecrets(state.path("secrets"));
  const stored =
    world.kind === "embedded" ? openLocalStores(state, log) : await openStores(world, state, log);
  const { db } = stored;
  const issuerKey = (await secrets.get("issuer-key")).current;
  const issuer = await createIssuer({
    privateKeyJwk: JSON.parse(issuerKey),
    issuer: "https://signalbox.local",
    clock,
  });
  const signer = createTextSigner(Buffer.from((await secrets.get("page-key")).current, "base64url"));
  const nothing = {
    repositories: "",
    blobs: "",
    states: "",
    path: "",
    planKey: { id: "", secret: "" },
    secrets: [],
  };
  return {
    ...stored,
    clock,
    log,
    // On emulators the rollout service supervises them, on the same folder.
    deploys: world.kind === "embedded" ? unsupervised : createDeploysLook(state.path("backends")),
    issuer,
    signer,
    sessions: createSessions(stored.grants, clock),
    secrets,
    ...openNotifying(state),
    traffic: await createTraffic({ directory: state.path("traffic") }),
    metrics: createMetrics({ database: db, clock, gateway: () => "" }),
    executions: createExecutions({
      db,
      clock,
      log,
      workflow: () => undefined,
      identity: createWorkflowIdentity(issuer),
    }),
    // Builds are looked at here, never started.
    builds: createLocalBuilds({
      folder: state.path("builds"),
      program: ["false"],
      settings: { ...nothing, graceMs: 0 },
      clock,
    }),
    artifacts: createArtifacts({ roots: [state.path("artifacts")] }),
    checks: createLocalChecks({ root: state.path("repos") }),
    cluster: createCluster({ address: ray }),
  };
}

const { config, world } = configure(process.env, "called", {
  SIGNALBOX_STATE: Type.String({ description: "set it to the state folder, such as .signalbox/default." }),
  PORT: Type.Integer({ minimum: 0, maximum: 65_535, default: 7420, description: "set it to a free port." }),
  SIGNALBOX_RAY_ADDRESS: Type.Optional(Type.String({ description: "set it to the URL of Ray's Jobs API." })),
});
refuseGoogleCloud(world, "api", "traffic, people and executions");
const log = createLog("api");
const state = await openStateFolder(config.SIGNALBOX_STATE);
// Elsewhere the folder holds no ledger, and others use it too.
const lock = world.kind === "embedded" ? await lockState(state.root, clock) : undefined;
const ports = await openPorts(state, world, log, config.SIGNALBOX_RAY_ADDRESS);
let url = "";
const identity = createIdentity({
  readPrincipals: createPrincipalsReader(state.path("principals.json")),
  verifyWorkflowToken: (token) => ports.issuer.verify(token, url),
});
const server = createServer({ clock, log, identity, sessions: ports.sessions });
const metrics = { ...ports, requestCounts: countRequests(server), processFigures: watchProcess(clock) };
await server.register(
  createApi({
    ...ports,
    stackOperations: {
      approvePlan: (request, caller) => approvePlan(ports, request, caller),
      unblockStack: (request, caller) => unblockStack(ports, request, caller),
    },
    outsideHandlers: (over) => ({
      "dev.signalbox.model-version.registered.v1": modelVersionRegistered(over),
      "dev.signalbox.run.requested.v1": runRequested({ ...ports, ...over }),
    }),
    queryLineage: createQueryLineage({
      views: ports.views,
      resolveServing: (endpoint, time) => resolveServing(ports, endpoint, time),
    }),
    routes: [
      checkRoutes(ports),
      endpointRoutes(ports),
      rolloutRoutes(ports),
      runRoutes(ports),
      notificationRoutes(ports),
      metricsRoutes(metrics),
    ],
  }),
);
url = await server.listen({ host: hostOf(world), port: config.PORT });
await lock?.setUrl(url);
log.info({ url }, "api started");

const stop = async (): Promise<void> => {
  await server.close();
  await ports.close();
  await lock?.release();
  log.info({}, "api stopped");
};
void stopRequested().then(stop);
