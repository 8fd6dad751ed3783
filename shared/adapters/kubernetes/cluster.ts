// Ray jobs as RayJobs of KubeRay, admitted by Kueue where a queue is named.
import { ControlPlaneError, notFound } from "../../domain/errors.ts";
import { createRedact } from "../../domain/redact.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Cluster } from "../../ports/cluster.ts";
import type { KubernetesClient } from "./client.ts";
import { collectionPath, type KubernetesObject, objectPath, PODS, RAY_JOBS, WORKLOADS } from "./objects.ts";
import {
  jobName,
  type JobTemplate,
  newRayJob,
  QUEUE_LABEL,
  type RayJobObject,
  requireSubmissionId,
  statusOfJob,
  STOPPED_ANNOTATION,
  STOPPED_QUEUE,
  SUBMISSION_ANNOTATION,
} from "./ray-job.ts";

/** Tries to stop a job that others write too. */
export const STOP_ATTEMPTS_MAX = 5;
/** Lines of a log that are read, the newest. */
export const LOG_LINES_MAX = 20_000;
/** Bytes of a log that are read. */
export const LOG_BYTES_MAX = 8 * 1_024 * 1_024;

/** What the adapter is made of. */
export interface KubernetesClusterOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly template: JobTemplate;
  /** Where it is, for people, such as the name of the GKE cluster. */
  readonly address: string;
  /** Texts that are never shown, besides what has a known form. */
  readonly secrets?: readonly string[];
}

interface Pod extends KubernetesObject {
  readonly spec?: { readonly containers?: readonly { readonly name: string }[] };
  readonly status?: { readonly phase?: string };
}

// What KubeRay calls the container that submits; beside it a mesh may have put one of its own.
const SUBMITTER = "ray-job-submitter";

const newestFirst = (one: Pod, other: Pod): number =>
  (other.metadata.creationTimestamp ?? "").localeCompare(one.metadata.creationTimestamp ?? "");

/**
 * A job that exists is looked at and stopped until that works: a right that is missing is granted, or has not arrived yet everywhere,
 * and a stop that was given up would leave the job running (decision 0062).
 */
async function untilGranted<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ControlPlaneError) || error.code !== "PERMISSION_DENIED") throw error;
    const { message, reason, metadata } = error;
    throw new ControlPlaneError("UNAVAILABLE", message, { reason, metadata, cause: error });
  }
}

const notOurs = (job: string, submissionId: string): ControlPlaneError =>
  new ControlPlaneError(
    "ALREADY_EXISTS",
    `The RayJob ${job} is not the job ${submissionId}: delete it, or give the run another id.`,
    { reason: "JOB_NOT_OURS", metadata: { submissionId, job } },
  );

/** The cluster behind KubeRay. */
export function createCluster(options: KubernetesClusterOptions): Cluster {
  const { client, clock, template, address, secrets = [] } = options;
  const { namespace } = template;
  const redact = createRedact(secrets);

  const path = (submissionId: string): string =>
    objectPath(RAY_JOBS, namespace, jobName(requireSubmissionId(submissionId)));

  /** The job of this id; another's object of the same name is nobody's business of ours. */
  async function find(submissionId: string): Promise<RayJobObject | undefined> {
    const job = await client.get<RayJobObject>(path(submissionId));
    if (job === undefined || job.metadata.annotations?.[SUBMISSION_ANNOTATION] === submissionId) return job;
    throw notOurs(`${namespace}/${job.metadata.name}`, submissionId);
  }

  /** Kueue would start a suspended job again, were its workload not set inactive first. */
  async function deactivate({ metadata }: RayJobObject): Promise<void> {
    if (metadata.labels?.[QUEUE_LABEL] === undefined || metadata.uid === undefined) return;
    const labels = `kueue.x-k8s.io/job-uid=${metadata.uid}`;
    for (const workload of await client.list(collectionPath(WORKLOADS, namespace), labels)) {
      const at = objectPath(WORKLOADS, namespace, workload.metadata.name);
      await client.patch(at, { spec: { active: false } });
    }
  }

  /** True when it is down, on its way there, or was never there. */
  async function tryToStop(submissionId: string): Promise<boolean> {
    const job = await find(submissionId);
    if (job === undefined || ["STOPPED", "SUCCEEDED", "FAILED"].includes(statusOfJob(job).state)) return true;
    await deactivate(job);
    const { resourceVersion } = job.metadata;
    const annotations = { [STOPPED_ANNOTATION]: clock.now().toISOString() };
    // A job that waits leaves its queue, where Kueue may not have seen it yet. Of one that runs the label cannot be changed.
    const waits = job.spec.suspend === true && job.metadata.labels?.[QUEUE_LABEL] !== undefined;
    const labels = waits ? { [QUEUE_LABEL]: STOPPED_QUEUE } : {};
    const patch = { metadata: { resourceVersion, annotations, labels }, spec: { suspend: true } };
    return (await client.patch(path(submissionId), patch)).kind !== "conflict";
  }

  async function logOf(submissionId: string): Promise<string> {
    const job = await find(submissionId);
    if (job === undefined) throw notFound(`The log of job ${submissionId}`, "The cluster knows no such job.");
    const selector = `batch.kubernetes.io/job-name=${job.metadata.name}`;
    const pods = await client.list<Pod>(collectionPath(PODS, namespace), selector);
    const pod = pods.toSorted(newestFirst)[0];
    // A pod that waits for a node or its image has no log, and asking for it is an error.
    if (pod === undefined || pod.status?.phase === "Pending") return "";
    const names = pod.spec?.containers?.map(({ name }) => name) ?? [];
    const container = names.includes(SUBMITTER) ? SUBMITTER : (names[0] ?? SUBMITTER);
    const query = { container, tailLines: String(LOG_LINES_MAX), limitBytes: String(LOG_BYTES_MAX) };
    const log = await client.text(objectPath(PODS, namespace, pod.metadata.name, "log"), query);
    return redact(log ?? "");
  }

  return {
    address,
    async submit(job) {
      const made = newRayJob(job, template);
      const result = await client.create(collectionPath(RAY_JOBS, namespace), made);
      if (result.kind === "exists") await find(job.submissionId);
    },
    async status(submissionId) {
      const job = await untilGranted(() => find(submissionId));
      if (job === undefined) return { state: "absent", message: "The cluster does not know this job." };
      const { state, message } = statusOfJob(job);
      return { state, message: redact(message) };
    },
    async stop(submissionId) {
      for (let attempt = 0; attempt < STOP_ATTEMPTS_MAX; attempt++)
        if (await untilGranted(() => tryToStop(submissionId))) return;
      throw new ControlPlaneError(
        "ABORTED",
        `The job ${submissionId} changed ${STOP_ATTEMPTS_MAX} times while it was to be stopped: try again in a moment.`,
        { reason: "JOB_CONTENDED", metadata: { submissionId } },
      );
    },
    logs: (submissionId) => untilGranted(() => logOf(submissionId)),
  };
}
