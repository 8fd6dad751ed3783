// Where runs go on Google Cloud: RayJobs of KubeRay in the cluster, admitted by a queue of Kueue. Loaded only there. Opening asks nobody.
import type { Static, TObject } from "typebox";
import { createCluster as createNoCluster } from "../../shared/adapters/local/cluster.ts";
import type { KubernetesClient } from "../../shared/adapters/kubernetes/client.ts";
import { createCluster } from "../../shared/adapters/kubernetes/cluster.ts";
import type { JobTemplate } from "../../shared/adapters/kubernetes/ray-job.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Cluster } from "../../shared/ports/cluster.ts";
import type { GOOGLE_RUNS } from "./google-settings.ts";

/** Which cluster, and how runs lie in it. */
export type RunsSettings = Static<TObject<typeof GOOGLE_RUNS>>;

const NONE = "none";

/** How jobs run, as the settings say it. */
export function jobTemplateOf(settings: RunsSettings): JobTemplate {
  const queue = settings.SIGNALBOX_RUNS_QUEUE;
  return {
    namespace: settings.SIGNALBOX_RUNS_NAMESPACE,
    rayClusterSpec: JSON.parse(settings.SIGNALBOX_RAY_CLUSTER) as JobTemplate["rayClusterSpec"],
    ...(queue === NONE ? {} : { queueOf: () => queue }),
  };
}

/** The cluster of runs; without a cluster whoever asks for a run is told that there is no Ray. */
export function openGoogleRuns(settings: RunsSettings, client: KubernetesClient | undefined): Cluster {
  if (client === undefined) return createNoCluster({ address: undefined });
  return createCluster({
    client,
    clock,
    template: jobTemplateOf(settings),
    address: settings.SIGNALBOX_CLUSTER,
  });
}
