// How backends stand, for whoever asks with a time limit: a rollback goes on without an answer.
import { ControlPlaneError, isTransient } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BackendStatus, Deploys } from "../../ports/deploys.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { findWorkload, type WorkloadClient, workloadStatus } from "./deploys-workloads.ts";

/** The answer, or `unknown` when there is none in time, or none for us. */
export async function statusInTime(
  clock: Clock,
  backend: string,
  timeoutMs: number,
  ask: () => Promise<BackendStatus>,
): Promise<BackendStatus> {
  try {
    return await withDeadline(clock, timeoutMs, `The status of ${backend}`, ask);
  } catch (error) {
    const isTold =
      error instanceof ControlPlaneError && (isTransient(error) || error.code === "PERMISSION_DENIED");
    if (!isTold) throw error;
    return { state: "unknown", message: error.message, since: "" };
  }
}

/**
 * How backends stand by the cluster's word alone, for the API, which may look at Deployments and knows neither Cloud Deploy nor our
 * records. A backend without a Deployment is `unknown` here; the rollout service tells whether its release has failed.
 */
export function createBackendStatus(ports: {
  readonly cluster: WorkloadClient;
  readonly clock: Clock;
}): Pick<Deploys, "status"> {
  const { cluster, clock } = ports;
  return {
    status: (backend, timeoutMs) =>
      statusInTime(clock, backend, timeoutMs, async () => {
        const workload = await findWorkload(cluster, backend);
        if (workload !== undefined) return workloadStatus(workload);
        return { state: "unknown", message: "The cluster has no Deployment of it (yet).", since: "" };
      }),
  };
}
