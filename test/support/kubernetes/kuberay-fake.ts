// A fake of KubeRay and Kueue: it sees RayJobs in one namespace of any API server and plays their status as the operators do,
// with a pod that submits. It runs no Ray: an entrypoint is `succeed`, `fail MESSAGE`, `lose` (the submission fails) or `hang`.
import type { KubernetesClient } from "../../../shared/adapters/kubernetes/client.ts";
import {
  collectionPath,
  type KubernetesObject,
  objectPath,
  PODS,
  RAY_JOBS,
  WORKLOADS,
} from "../../../shared/adapters/kubernetes/objects.ts";
import {
  QUEUE_LABEL,
  type RayJobObject,
  STOPPED_QUEUE,
} from "../../../shared/adapters/kubernetes/ray-job.ts";
import { setTimeout as wait } from "node:timers/promises";

const LOOK_MS = 20;

/** Keeps what a pod writes where its API server's log answers come from. */
export type KeepLog = (namespace: string, pod: string, text: string) => void;

/** The operators. */
export interface KubeRayFake {
  /** Whether Kueue admits what waits. */
  admits(yes: boolean): void;
  /** Ends when nothing is under way. */
  stop(): Promise<void>;
}

interface Workload extends KubernetesObject {
  readonly spec: { readonly active?: boolean };
}

type Status = NonNullable<RayJobObject["status"]>;

/** What the entrypoint comes to: status and what it wrote. */
function endOf(entrypoint: string): { readonly status: Status; readonly log: string } | undefined {
  const [verb, ...rest] = entrypoint.split(" ");
  const log = `Running entrypoint: ${entrypoint}\n${rest.join(" ")}\n`;
  if (verb === "succeed") {
    const message = "Job finished successfully.";
    return { status: { jobStatus: "SUCCEEDED", jobDeploymentStatus: "Complete", message }, log };
  }
  if (verb === "lose") {
    // So a submitter that failed ended until KubeRay 1.1: without a status of the job.
    const message = "The submitter Kubernetes Job is failed. Reason: BackoffLimitExceeded.";
    return { status: { jobStatus: "", jobDeploymentStatus: "Complete", message }, log };
  }
  if (verb !== "fail") return undefined;
  const message = `Job entrypoint command failed with exit code 1, last available logs (truncated to 20,000 chars):\n${log}`;
  return {
    status: { jobStatus: "FAILED", jobDeploymentStatus: "Failed", reason: "AppFailed", message },
    log,
  };
}

/** What KubeRay finds wrong that its schema lets through (`ValidateRayClusterSpec` of its ray-operator). */
function problemOf({ spec }: RayJobObject): string | undefined {
  const { headGroupSpec } = spec["rayClusterSpec"] as {
    readonly headGroupSpec: {
      readonly template: { readonly spec: { readonly containers: readonly unknown[] } };
    };
  };
  return headGroupSpec.template.spec.containers.length > 0
    ? undefined
    : "The RayCluster spec is invalid: headGroupSpec should have at least one container";
}

/** Starts the operators on one namespace. `client` may do everything there. */
export function startKubeRayFake(
  client: KubernetesClient,
  namespace: string,
  keepLog: KeepLog,
  node: string,
): KubeRayFake {
  const ending = new AbortController();
  let admitting = true;

  const at = ({ metadata }: RayJobObject, part?: "status") =>
    objectPath(RAY_JOBS, namespace, metadata.name, part);
  const report = (job: RayJobObject, status: Status) =>
    client.patch(at(job, "status"), { metadata: { resourceVersion: job.metadata.resourceVersion }, status });

  /** Kueue: a workload for each job with a queue; admitted means not suspended. True when the job is not its to start. */
  async function queue(job: RayJobObject): Promise<void> {
    const named = job.metadata.labels?.[QUEUE_LABEL];
    if (named === undefined) return;
    const name = `rayjob-${job.metadata.name}`;
    const labels = { "kueue.x-k8s.io/job-uid": job.metadata.uid ?? "" };
    const workload: Workload = {
      apiVersion: WORKLOADS.apiVersion,
      kind: "Workload",
      metadata: { name, namespace, labels },
      spec: { active: true },
    };
    await client.create(collectionPath(WORKLOADS, namespace), workload);
    const known = await client.get<Workload>(objectPath(WORKLOADS, namespace, name));
    // Of a queue that is not there nothing is admitted.
    const admitted = admitting && named !== STOPPED_QUEUE;
    const suspend = known?.spec.active === false || (job.spec.suspend === true && !admitted);
    if (suspend !== (job.spec.suspend ?? false))
      await client.patch(at(job), {
        metadata: { resourceVersion: job.metadata.resourceVersion },
        spec: { suspend },
      });
  }

  async function startPod(job: RayJobObject, log: string): Promise<void> {
    const name = `${job.metadata.name}-xyz12`;
    const labels = { "batch.kubernetes.io/job-name": job.metadata.name };
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace, labels },
      spec: { nodeName: node, containers: [{ name: "ray-job-submitter", image: "ray" }] },
    };
    keepLog(namespace, name, log);
    await client.create(collectionPath(PODS, namespace), pod);
    await client.patch(objectPath(PODS, namespace, name, "status"), { status: { phase: "Running" } });
  }

  /** KubeRay: one state further. */
  async function advance(job: RayJobObject): Promise<void> {
    const { jobDeploymentStatus: state = "" } = job.status ?? {};
    if (["Complete", "Failed", "ValidationFailed"].includes(state)) return;
    const problem = problemOf(job);
    if (problem !== undefined) {
      const reason = "ValidationFailed";
      return void (await report(job, { jobDeploymentStatus: reason, reason, message: problem }));
    }
    if (job.spec.suspend === true) {
      const next =
        state === "Suspending" || state === "" || state === "Suspended" ? "Suspended" : "Suspending";
      if (state !== next) await report(job, { jobStatus: "", jobDeploymentStatus: next, message: "" });
      return;
    }
    if (state === "" || state === "Suspended")
      return void (await report(job, { jobDeploymentStatus: "Initializing" }));
    const end = endOf(job.spec.entrypoint);
    if (state === "Initializing") {
      await startPod(job, end?.log ?? "");
      return void (await report(job, { jobStatus: "RUNNING", jobDeploymentStatus: "Running" }));
    }
    if (state === "Running" && end !== undefined) await report(job, end.status);
  }

  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      for (const job of await client.list<RayJobObject>(collectionPath(RAY_JOBS, namespace))) {
        await queue(job);
        await advance(job);
      }
      await wait(LOOK_MS);
    }
  };
  const done = loop();
  // An operator that died is told at the end, not as an unhandled rejection in the middle.
  done.catch(() => undefined);
  return {
    admits(yes) {
      admitting = yes;
    },
    async stop() {
      ending.abort();
      await done;
    },
  };
}
