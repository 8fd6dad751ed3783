// The adapters of the serving journey on Google Cloud: traffic in HTTPRoutes, executions of Cloud Workflows, counters of Managed Service
// for Prometheus, and backends by Cloud Deploy. Loaded only there. Opening asks nobody, and libraries load with their first call: an
// API that has just started rolls back with the cluster's API alone.
import type { Static, TObject } from "typebox";
import { openAccessToken } from "../../shared/adapters/google/access-token-open.ts";
import { type CloudDeploysClients, openCloudDeploys } from "../../shared/adapters/google/deploys-open.ts";
import { createBackendStatus } from "../../shared/adapters/google/deploys-status.ts";
import type { CloudDeploysOptions } from "../../shared/adapters/google/deploys.ts";
import type { CloudExecutionsOptions } from "../../shared/adapters/google/executions.ts";
import { openCloudExecutions } from "../../shared/adapters/google/executions-open.ts";
import {
  createPrometheusClient,
  managedPrometheus,
  type PrometheusClient,
} from "../../shared/adapters/google/metrics-client.ts";
import { createMetrics } from "../../shared/adapters/google/metrics.ts";
import type { KubernetesClient } from "../../shared/adapters/kubernetes/client.ts";
import { createDriftLog } from "../../shared/adapters/kubernetes/drift-log.ts";
import { NO_DEPLOYS, NO_TRAFFIC } from "../../shared/adapters/kubernetes/no-cluster.ts";
import { createTraffic } from "../../shared/adapters/kubernetes/traffic.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Deploys } from "../../shared/ports/deploys.ts";
import type { Executions } from "../../shared/ports/executions.ts";
import type { Metrics } from "../../shared/ports/metrics.ts";
import type { Traffic } from "../../shared/ports/traffic.ts";
import type { Log } from "../../shared/runtime/log.ts";
import type { GOOGLE_ROLLOUT, GOOGLE_SERVING } from "./google-settings.ts";
import { openGoogleCluster, placementOf } from "./open-google-cluster.ts";

/** Where things are. */
export type ServingSettings = Static<TObject<typeof GOOGLE_SERVING>> & { readonly project: string };

/** What looks at serving and moves its traffic. */
export interface GoogleServing {
  /** Undefined before there is a cluster: then nothing serves, and whoever wants to is told so. */
  readonly cluster: KubernetesClient | undefined;
  readonly traffic: Traffic;
  readonly executions: Executions;
  readonly metrics: Metrics;
  /** How backends stand, by the cluster's word alone. */
  readonly deploys: Pick<Deploys, "status">;
  close(): Promise<void>;
}

/** Clients in place of those that the settings lead to. */
export interface ServingClients {
  readonly cluster?: KubernetesClient;
  readonly executions?: CloudExecutionsOptions["client"];
  readonly query?: PrometheusClient;
}

/** Counters are those of the cluster's project. */
const metricsProject = ({ SIGNALBOX_CLUSTER: cluster, project }: ServingSettings): string =>
  /^projects\/([^/]+)\//.exec(cluster)?.[1] ?? project;

function openCounters(settings: ServingSettings): PrometheusClient {
  return createPrometheusClient({
    url: managedPrometheus(metricsProject(settings)),
    token: openAccessToken(),
  });
}

/** Opens them, for the executions of these workflows. */
export function openGoogleServing(
  settings: ServingSettings,
  { log, workflows }: { readonly log: Log; readonly workflows: readonly string[] },
  clients: ServingClients = {},
): GoogleServing {
  const opened = clients.cluster === undefined ? openGoogleCluster(settings) : undefined;
  const cluster = clients.cluster ?? opened?.client;
  const placed = { placement: placementOf(settings), drifted: createDriftLog({ clock, log }) };
  return {
    cluster,
    traffic: cluster === undefined ? NO_TRAFFIC : createTraffic({ client: cluster, ...placed }),
    executions: openCloudExecutions({
      client: clients.executions,
      clock,
      project: settings.project,
      location: settings.SIGNALBOX_REGION,
      prefix: `${settings.SIGNALBOX_PREFIX}-`,
      workflows,
    }),
    metrics: createMetrics({ query: clients.query ?? openCounters(settings), clock }),
    deploys: cluster === undefined ? NO_DEPLOYS : createBackendStatus({ cluster, clock }),
    close: async () => opened?.close(),
  };
}

/** Where releases go, as the settings say it. */
export type DeploysSettings = Static<TObject<typeof GOOGLE_ROLLOUT>> & { readonly project: string };

/** The same for backends. */
export interface DeploysClients {
  readonly deploys?: CloudDeploysClients;
}

/** Backends by Cloud Deploy; `serving` is what was opened on the same settings. */
export function openGoogleDeploys(
  settings: DeploysSettings,
  {
    serving,
    ...ports
  }: { readonly serving: GoogleServing } & Pick<CloudDeploysOptions, "codeHost" | "digest">,
  clients: DeploysClients = {},
): Deploys {
  const { cluster } = serving;
  if (cluster === undefined) return NO_DEPLOYS;
  const pipeline = `${settings.SIGNALBOX_PREFIX}-backends`;
  const place = {
    project: settings.project,
    location: settings.SIGNALBOX_REGION,
    pipeline,
    target: pipeline,
  };
  const folder = settings.SIGNALBOX_RELEASES_FOLDER;
  return openCloudDeploys({ ...ports, clock, cluster, place, folder }, clients.deploys);
}
