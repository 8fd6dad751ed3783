// The cluster of models on Google Cloud, by its DNS-based endpoint (decision 0043). Loaded only there.
import type { Static, TObject } from "typebox";
import { openAccessToken } from "../../shared/adapters/google/access-token-open.ts";
import { accessByDnsEndpoint } from "../../shared/adapters/kubernetes/access.ts";
import { createKubernetesClient, type KubernetesClient } from "../../shared/adapters/kubernetes/client.ts";
import type { Placement } from "../../shared/adapters/kubernetes/placement.ts";
import type { GOOGLE_CLUSTER } from "./google-settings.ts";

/** Which cluster, and how endpoints lie in it. */
export type ClusterSettings = Static<TObject<typeof GOOGLE_CLUSTER>>;

const NONE = "none";

/** Where routes and backends lie. */
export function placementOf(settings: ClusterSettings): Placement {
  const [namespace = "", name = ""] = settings.SIGNALBOX_GATEWAY.split("/");
  return { gateway: { namespace, name }, backendPort: settings.SIGNALBOX_BACKEND_PORT };
}

/** The cluster, or undefined where there is none yet. Nothing is asked: a rollback needs this API and no other. */
export function openGoogleCluster({
  SIGNALBOX_CLUSTER_ENDPOINT: endpoint,
}: Pick<ClusterSettings, "SIGNALBOX_CLUSTER_ENDPOINT">):
  | { readonly client: KubernetesClient; close(): Promise<void> }
  | undefined {
  if (endpoint === NONE) return undefined;
  const access = accessByDnsEndpoint(endpoint, openAccessToken());
  return { client: createKubernetesClient(access), close: () => access.dispatcher.close() };
}
