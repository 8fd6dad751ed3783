// Backends as the cluster has them: one Deployment each, found by its label, so that nobody has to remember where it is.
import type { BackendStatus } from "../../ports/deploys.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { KubernetesObject } from "../kubernetes/objects.ts";
import { BACKEND_LABEL, REPLICAS_ANNOTATION } from "./deploys-template.ts";

/** The verbs that are needed. */
export type WorkloadClient = Pick<KubernetesClient, "list" | "patch">;

/** What we read of a Deployment (apps/v1). */
export interface WorkloadObject extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
      readonly lastUpdateTime?: string;
      readonly lastTransitionTime?: string;
    }[];
  };
}

const DEPLOYMENTS = "/apis/apps/v1";
const BACKEND = /^[a-z0-9][-a-z0-9]{0,62}$/;

/** The Deployment of a backend; undefined when the cluster has none. */
export async function findWorkload(
  client: WorkloadClient,
  backend: string,
): Promise<WorkloadObject | undefined> {
  if (!BACKEND.test(backend)) return undefined;
  const [found] = await client.list<WorkloadObject>(
    `${DEPLOYMENTS}/deployments`,
    `${BACKEND_LABEL}=${backend}`,
  );
  return found;
}

/** How it stands, from what Kubernetes says alone. */
export function workloadStatus({ spec, status, metadata }: WorkloadObject): BackendStatus {
  const { conditions = [], readyReplicas = 0 } = status ?? {};
  const progress = conditions.find(({ type }) => type === "Progressing");
  const available = conditions.find(({ type }) => type === "Available");
  const since = available?.lastTransitionTime ?? progress?.lastUpdateTime ?? metadata.creationTimestamp ?? "";
  const { replicas = 1 } = spec ?? {};
  if (replicas === 0) return { state: "cold", message: "It is scaled down.", since };
  if (readyReplicas > 0)
    return { state: "ready", message: `${readyReplicas} of ${replicas} replicas are ready.`, since };
  if (progress?.status === "False") {
    const message = `It never became ready: ${progress.message ?? progress.reason ?? "its deadline has passed"}.`;
    return { state: "failed", message, since };
  }
  // Kubernetes calls a Deployment complete once all of its replicas were there: from then on it is unready and no longer preparing.
  if (progress?.reason === "NewReplicaSetAvailable")
    return { state: "unready", message: "No replica is ready; Kubernetes starts them again.", since };
  return { state: "preparing", message: "No replica is ready yet.", since };
}

/** Sets the replicas of a backend: none, or as many as it was made with. */
export async function scaleWorkload(
  client: WorkloadClient,
  found: WorkloadObject,
  to: "cold" | "warm",
): Promise<void> {
  const { namespace = "default", name, annotations = {} } = found.metadata;
  const warm = Number(annotations[REPLICAS_ANNOTATION] ?? 1);
  const replicas = to === "cold" ? 0 : Number.isInteger(warm) && warm > 0 ? warm : 1;
  if (found.spec?.replicas === replicas) return;
  // The part of it that scales, so that the right to scale is no right to change what runs.
  await client.patch(`${DEPLOYMENTS}/namespaces/${namespace}/deployments/${name}/scale`, {
    spec: { replicas },
  });
}
