// A RayJob of KubeRay: made from a job of ours, and read as a state of the port.
import { shortHash } from "../../domain/fact.ts";
import { invalidArgument } from "../../domain/errors.ts";
import type { RayJob, RayJobStatus } from "../../ports/cluster.ts";
import { type KubernetesObject, RAY_JOBS } from "./objects.ts";
import { MANAGED_BY } from "./placement.ts";

/** Kueue admits a job by this label; without it a job starts at once. */
export const QUEUE_LABEL = "kueue.x-k8s.io/queue-name";
/**
 * The queue of jobs that were stopped while they waited. No LocalQueue has this name, and what names a queue that is not there Kueue admits
 * never (decision 0073).
 */
export const STOPPED_QUEUE = "signalbox-stopped";
/** The whole submission id; the name of a RayJob is shorter. */
export const SUBMISSION_ANNOTATION = "signalbox.dev/submission";
/** Since when a job is to be stopped: it never starts again. */
export const STOPPED_ANNOTATION = "signalbox.dev/stopped";
/** Seconds that a cluster stays after its job ended, for whoever looks at its dashboard. */
export const CLUSTER_KEPT_SECONDS = 60;

/** Characters of the name of a RayJob: KubeRay derives longer names from it and refuses it from 48 on. */
const JOB_NAME_CHARACTERS_MAX = 47;
// Ray makes file names out of submission ids.
const SUBMISSION_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

/** A RayJob, as far as we write and read it. */
export interface RayJobObject extends KubernetesObject {
  readonly spec: {
    readonly entrypoint: string;
    readonly jobId: string;
    readonly suspend?: boolean;
    readonly [field: string]: unknown;
  };
  readonly status?: {
    readonly jobStatus?: string;
    readonly jobDeploymentStatus?: string;
    readonly message?: string;
    readonly reason?: string;
    readonly rayClusterName?: string;
  };
}

/** How jobs run in the cluster. */
export interface JobTemplate {
  readonly namespace: string;
  /** The `rayClusterSpec` that every job gets a cluster of: image, head, workers. */
  readonly rayClusterSpec: Readonly<Record<string, unknown>>;
  /** The LocalQueue of Kueue that admits the job; undefined starts it at once. */
  readonly queueOf?: (job: RayJob) => string | undefined;
}

/** The id, or a refusal that says what one looks like. */
export function requireSubmissionId(submissionId: string): string {
  if (SUBMISSION_ID.test(submissionId)) return submissionId;
  throw invalidArgument(
    "submissionId",
    `${JSON.stringify(submissionId.slice(0, 120))} is not a submission id: use letters, digits, dots, dashes and underscores, at most 100.`,
  );
}

/** The name of a job's RayJob: derived, so that whoever submits it again meets it. */
export function jobName(submissionId: string): string {
  const end = `-${shortHash("ray-job", submissionId).slice(0, 10)}`;
  const readable = `run-${submissionId.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  return `${readable.slice(0, JOB_NAME_CHARACTERS_MAX - end.length)}${end}`;
}

/** The RayJob that runs a job. */
export function newRayJob(job: RayJob, { namespace, rayClusterSpec, queueOf }: JobTemplate): RayJobObject {
  const queue = queueOf?.(job);
  const labels = {
    [MANAGED_BY.label]: MANAGED_BY.value,
    ...(queue === undefined ? {} : { [QUEUE_LABEL]: queue }),
  };
  return {
    apiVersion: RAY_JOBS.apiVersion,
    kind: "RayJob",
    metadata: {
      name: jobName(requireSubmissionId(job.submissionId)),
      namespace,
      labels,
      annotations: { [SUBMISSION_ANNOTATION]: job.submissionId },
    },
    spec: {
      entrypoint: job.entrypoint,
      jobId: job.submissionId,
      metadata: job.metadata,
      // JSON is YAML, and cannot be read as anything else.
      runtimeEnvYAML: JSON.stringify(job.runtimeEnvironment),
      submissionMode: "K8sJobMode",
      // A failed run is a failed run: whether to try again is the workflow's to say.
      backoffLimit: 0,
      // Kueue takes no job that keeps its cluster, and KubeRay suspends none.
      shutdownAfterJobFinishes: true,
      ttlSecondsAfterFinished: CLUSTER_KEPT_SECONDS,
      suspend: queue !== undefined,
      rayClusterSpec,
    },
  };
}

const ENDED: ReadonlySet<string> = new Set(["STOPPED", "SUCCEEDED", "FAILED"]);
/** Deployment states in which no cluster of the job runs. */
const DOWN: ReadonlySet<string> = new Set(["", "Suspended", "Complete", "Failed"]);
/** Deployment states that KubeRay never leaves. */
const OVER: ReadonlySet<string> = new Set(["Complete", "Failed"]);

/** KubeRay refuses what its schema lets through by a status of its own, and makes no cluster. Of a cluster that runs it takes its hands. */
const isRefused = ({
  jobDeploymentStatus,
  rayClusterName = "",
}: NonNullable<RayJobObject["status"]>): boolean =>
  jobDeploymentStatus === "ValidationFailed" && rayClusterName === "";

/** Whether a RayJob is to be stopped. */
export const isStopped = ({ metadata }: RayJobObject): boolean =>
  metadata.annotations?.[STOPPED_ANNOTATION] !== undefined;

function messageOf({ status = {}, spec }: RayJobObject): string {
  const { message = "", reason = "", jobDeploymentStatus = "" } = status;
  if (message !== "") return message;
  if (reason !== "") return `KubeRay says ${reason}.`;
  if (spec.suspend === true) return "It waits to be admitted by its queue.";
  return jobDeploymentStatus === ""
    ? "KubeRay has not seen it yet."
    : `Its cluster is ${jobDeploymentStatus}.`;
}

/** How the job stands. */
export function statusOfJob(job: RayJobObject): RayJobStatus {
  const { jobStatus = "", jobDeploymentStatus = "" } = job.status ?? {};
  const refused = isRefused(job.status ?? {});
  const message = messageOf(job);
  // It had ended before anybody stopped it.
  if (jobStatus === "SUCCEEDED") return { state: "SUCCEEDED", message };
  if (isStopped(job)) {
    return DOWN.has(jobDeploymentStatus) || refused
      ? { state: "STOPPED", message: "It was stopped." }
      : { state: "RUNNING", message: "It is being stopped." };
  }
  if (ENDED.has(jobStatus)) return { state: jobStatus as RayJobStatus["state"], message };
  // Over without an end of its own: it could not be submitted, or was refused.
  if (OVER.has(jobDeploymentStatus) || refused) return { state: "FAILED", message };
  return { state: jobStatus === "RUNNING" ? "RUNNING" : "PENDING", message };
}
