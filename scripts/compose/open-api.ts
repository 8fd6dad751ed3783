// The API's ports on one machine, over a state folder or, with emulators, beside one. The database may be away: then what needs it is
// refused, and a rollback works.
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
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Deploys } from "../../shared/ports/deploys.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { createIssuer } from "../../shared/runtime/tokens.ts";
import { openNotifying } from "./open-notifying.ts";
import { openStores, type Stores } from "./open-stores.ts";
import type { StateFolder } from "./state-folder.ts";
import type { World } from "./world.ts";

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
export function openLocalStores(state: StateFolder, log: Log): Stores {
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

/** Opens them. `url` is where the API answers, which is known late: tokens of workflows are for it. */
export async function openApi(
  state: StateFolder,
  {
    world,
    log,
    ray,
    url,
  }: {
    readonly world: World;
    readonly log: Log;
    readonly ray: string | undefined;
    readonly url: () => string;
  },
) {
  const secrets = createSecrets(state.path("secrets"));
  const stored =
    world.kind === "embedded" ? openLocalStores(state, log) : await openStores(world, state, log);
  const { db } = stored;
  const issuerKey = (await secrets.get("issuer-key")).current;
  const issuer = createIssuer({
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
  const identity = createIdentity({
    readPrincipals: createPrincipalsReader(state.path("principals.json")),
    verifyWorkflowToken: (token) => issuer.verify(token, url()),
  });
  const ports = {
    ...stored,
    // On emulators the rollout service supervises them, on the same folder.
    deploys: world.kind === "embedded" ? unsupervised : createDeploysLook(state.path("backends")),
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
  // A test or a person on this machine calls it by loopback, and nobody pushes the events of others.
  return { ports, identity, events: undefined, hosts: [], close: stored.close };
}
