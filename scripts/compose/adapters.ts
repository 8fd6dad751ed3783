// The adapters of the embedded mode, all on one state folder.
import { createBus } from "../../shared/adapters/local/bus.ts";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import type { DeployLimits } from "../../shared/adapters/local/deploys-life.ts";
import { createMetrics } from "../../shared/adapters/local/metrics.ts";
import { createSecrets } from "../../shared/adapters/local/secrets.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { createPump } from "../../shared/runtime/outbox.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { BuildEnvironment } from "./build-environment.ts";
import { type Listening, PLAIN_LOOPBACK } from "./listening.ts";
import { openLedger } from "./open-ledger.ts";
import { openNotifying } from "./open-notifying.ts";
import { openProvisioning } from "./open-provisioning.ts";
import { openServing } from "./open-serving.ts";
import { openWorkflows } from "./open-workflows.ts";
import { withNode } from "./shipped.ts";
import type { Keys, StateFolder } from "./state-folder.ts";

export { PACKAGE_ROOT } from "./shipped.ts";

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
  /** Where API and gateway listen; default: loopback, in the open. */
  readonly listening?: Listening;
  /** PATH of the host. */
  readonly path: string;
  /** What builds get from this machine; default: nothing. */
  readonly builds?: BuildEnvironment | undefined;
  /** How patient deploys are, where it is not as by default. */
  readonly deployLimits?: Partial<DeployLimits>;
}

/** Opens every adapter. The database is opened here; whoever called closes it. */
export async function openAdapters({ state, keys, log, ...options }: AdapterOptions) {
  const path = withNode(options.path);
  const { listening = PLAIN_LOOPBACK } = options;
  const provisioning = await openProvisioning({ state, keys, path, builds: options.builds });
  const stored = openLedger(state);
  const { db, outbox, deadLetters } = stored;
  const bus = createBus({ deadLetters, clock, log });
  const traffic = await createTraffic({ directory: state.path("traffic") });
  const pump = createPump({ outbox, bus, deadLetters, clock, log });
  return {
    clock,
    log,
    ...stored,
    ...provisioning,
    ...openNotifying(state),
    ...(await openWorkflows({ db, keys, log, ownAgent: listening.agent })),
    ...openServing({
      state,
      artifactRoots: options.artifactRoots,
      path,
      traffic,
      tls: listening.tls,
      deployLimits: options.deployLimits,
    }),
    listening,
    traffic,
    bus,
    pump,
    announce: pump.announce,
    secrets: createSecrets(state.path("secrets")),
    metrics: createMetrics({ database: db, clock, gateway: options.gatewayUrl, fetch: listening.fetch }),
    cluster: createCluster({ address: undefined, ...options.ray, secrets: keys.hidden }),
  };
}

/** The adapters of one installation. */
export type EmbeddedAdapters = Awaited<ReturnType<typeof openAdapters>>;
