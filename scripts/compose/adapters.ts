// The adapters of the embedded mode, all on one state folder.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createArtifacts } from "../../shared/adapters/local/artifacts.ts";
import { createBlobs } from "../../shared/adapters/local/blobs.ts";
import { createLocalBuilds } from "../../shared/adapters/local/builds.ts";
import { createBus } from "../../shared/adapters/local/bus.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { createLocalChecks } from "../../shared/adapters/local/code-host-checks.ts";
import { requireGit } from "../../shared/adapters/local/code-host-git.ts";
import { createLocalCodeHost } from "../../shared/adapters/local/code-host.ts";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createDeadLetters } from "../../shared/adapters/local/dead-letters.ts";
import { createCheckout } from "../../shared/adapters/local/deploys-checkout.ts";
import { createDeploys } from "../../shared/adapters/local/deploys.ts";
import { createExecutions } from "../../shared/adapters/local/executions.ts";
import { createGateway } from "../../shared/adapters/local/gateway.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createMetrics } from "../../shared/adapters/local/metrics.ts";
import { createOutbox } from "../../shared/adapters/local/outbox.ts";
import { createReceipts } from "../../shared/adapters/local/receipts.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { createViews } from "../../shared/adapters/local/views.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import type { Log } from "../../shared/runtime/log.ts";
import { createIssuer } from "../../shared/runtime/tokens.ts";
import type { Keys, StateFolder } from "./state-folder.ts";

/** The root of this repository or package. */
export const PACKAGE_ROOT = join(import.meta.dirname, "..", "..");

const BUILD_GRACE_MS = 10_000;

/** What the adapters of one installation are made from. */
export interface AdapterOptions {
  readonly state: StateFolder;
  readonly keys: Keys;
  readonly log: Log;
  /** Where Ray's Jobs API answers; undefined when there is none. */
  readonly ray: { readonly address: string; readonly token?: string } | undefined;
  /** Folders besides `<state>/artifacts` from which models and datasets may come. */
  readonly artifactRoots: readonly string[];
  /** Where the gateway listens; asked when counters are scraped. */
  readonly gatewayUrl: () => string;
  /** PATH of the host. */
  readonly path: string;
}

/** Node's own folder first, so that `node` in a serving command is the Node that runs us. */
const withNode = (path: string): string => `${dirname(process.execPath)}:${path}`;

function shippedWorkflow(name: string): string | undefined {
  if (!/^[a-z][a-z-]*$/.test(name)) return undefined;
  try {
    return readFileSync(join(PACKAGE_ROOT, "workflows", `${name}.yaml`), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Opens every adapter. The database is opened here; whoever called closes it. */
export async function openAdapters(options: AdapterOptions) {
  const { state, keys, log } = options;
  const clock = systemClock;
  const path = withNode(options.path);
  await requireGit(path);
  const db = openDatabase(state.path("ledger.db"));
  const outbox = createOutbox(db);
  const deadLetters = createDeadLetters(db);
  const bus = createBus({ deadLetters, clock, log });
  const pump = createPump({ outbox, bus, deadLetters, clock, log });
  const issuer = await createIssuer({
    privateKeyJwk: JSON.parse(keys.issuerKey),
    issuer: "https://signalbox.local",
    clock,
  });
  const artifacts = createArtifacts({ roots: [state.path("artifacts"), ...options.artifactRoots] });
  const traffic = await createTraffic({ directory: state.path("traffic") });
  const checkout = createCheckout({
    repositories: state.path("repos"),
    cache: state.path("checkouts"),
    path,
  });
  // Each needs the other: deploys knows addresses, the gateway knows what is still in flight.
  const deploys = createDeploys({
    directory: state.path("backends"),
    artifacts,
    checkout,
    clock,
    environment: { PATH: path },
    drained: (backend, timeoutMs) => gateway.drained(backend, timeoutMs),
  });
  const gateway = createGateway({ traffic, backends: (backend) => deploys.address(backend), clock });
  return {
    clock,
    log,
    db,
    outbox,
    deadLetters,
    bus,
    pump,
    announce: pump.announce,
    ledger: createLedger(db),
    views: createViews(db),
    receipts: createReceipts(db),
    blobs: createBlobs(state.path("blobs")),
    secrets: createSecrets(state.path("secrets")),
    artifacts,
    codeHost: createLocalCodeHost({ root: state.path("repos"), path }),
    checks: createLocalChecks({ root: state.path("repos") }),
    builds: createLocalBuilds({
      folder: state.path("builds"),
      program: [process.execPath, join(PACKAGE_ROOT, "services/provisioner/build/main.ts")],
      settings: {
        repositories: state.path("repos"),
        blobs: state.path("blobs"),
        states: state.path("terraform"),
        path,
        planKey: keys.planKey,
        secrets: [keys.webhookSecret],
        graceMs: BUILD_GRACE_MS,
      },
      clock,
    }),
    executions: createExecutions({ db, clock, log, workflow: shippedWorkflow, mint: issuer.mint }),
    issuer,
    traffic,
    deploys,
    gateway,
    metrics: createMetrics({ database: db, clock, gateway: options.gatewayUrl }),
    cluster: createCluster({ address: undefined, ...options.ray }),
  };
}

/** The adapters of one installation. */
export type EmbeddedAdapters = Awaited<ReturnType<typeof openAdapters>>;
