// A Ray cluster without Ray: jobs that take a while of virtual time and end as their entrypoint says. Held to the port's contract.
import { invalidArgument, notFound } from "../../shared/domain/errors.ts";
import { createRedact } from "../../shared/domain/redact.ts";
import type { Cluster, RayJob, RayJobStatus } from "../../shared/ports/cluster.ts";
import type { Random } from "../../shared/domain/random.ts";

/** Shortest and longest time of a job, and the time before it runs. */
const JOB_MS = { pending: 500, min: 1_000, max: 8_000 } as const;
const SUBMISSION_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;

interface Job {
  readonly job: RayJob;
  readonly runsAt: number;
  readonly endsAt: number;
  stoppedAt?: number;
}

/** Entrypoints: `succeed`, `fail WORDS`, `hang`. */
export interface SimulatedRay {
  readonly cluster: Cluster;
  /** The head starts anew and knows no job any more. */
  restart(): void;
  /** How often it did. */
  restarts(): number;
  /** How often a job was begun under each submission id, also by a head that was restarted since. */
  readonly begun: ReadonlyMap<string, number>;
  /** Whether a job runs that was not stopped. */
  runs(submissionId: string): boolean;
  /** Whether the job with this metadata wrote its output. */
  wrote(run: string): boolean;
}

/** The simulated part is Ray; what the adapter does to what Ray prints is the product's. */
const redact = createRedact([]);

/** A head in memory, in the given time. */
export function createSimulatedRay(now: () => Date, random: Random): SimulatedRay {
  let jobs = new Map<string, Job>();
  let restarts = 0;
  const begun = new Map<string, number>();
  const written = new Set<string>();
  const stateOf = ({ job, runsAt, endsAt, stoppedAt }: Job): RayJobStatus => {
    const at = now().getTime();
    const over = job.entrypoint !== "hang" && at >= endsAt;
    if (stoppedAt !== undefined && !(over && stoppedAt >= endsAt))
      return { state: "STOPPED", message: "Job was intentionally stopped." };
    if (at < runsAt) return { state: "PENDING", message: "" };
    if (!over) return { state: "RUNNING", message: "" };
    if (job.entrypoint.startsWith("fail"))
      return { state: "FAILED", message: "Job entrypoint command failed with exit code 1" };
    written.add(job.metadata["run"] ?? "");
    return { state: "SUCCEEDED", message: "Job finished successfully." };
  };
  const cluster: Cluster = {
    address: "http://ray.test:8265",
    async submit(job) {
      const { submissionId } = job;
      if (!SUBMISSION_ID.test(submissionId))
        throw invalidArgument("submissionId", `${submissionId} is not a submission id.`);
      if (jobs.has(submissionId)) return;
      begun.set(submissionId, (begun.get(submissionId) ?? 0) + 1);
      const runsAt = now().getTime() + JOB_MS.pending;
      const endsAt = runsAt + JOB_MS.min + random.uniform() * (JOB_MS.max - JOB_MS.min);
      jobs.set(submissionId, { job, runsAt, endsAt });
    },
    async status(submissionId) {
      const job = jobs.get(submissionId);
      return job === undefined
        ? { state: "absent", message: "The head does not know this job." }
        : stateOf(job);
    },
    async stop(submissionId) {
      const job = jobs.get(submissionId);
      if (job !== undefined) job.stoppedAt ??= now().getTime();
    },
    async logs(submissionId) {
      const found = jobs.get(submissionId);
      if (found === undefined)
        throw notFound(`The log of job ${submissionId}`, "The head knows no such job.");
      return redact(`started\n${found.job.entrypoint.replace(/^fail ?/, "")}\n`);
    },
  };
  return {
    cluster,
    restart(): void {
      jobs = new Map();
      restarts += 1;
    },
    restarts: () => restarts,
    begun,
    runs(submissionId) {
      const job = jobs.get(submissionId);
      return job !== undefined && ["PENDING", "RUNNING"].includes(stateOf(job).state);
    },
    wrote(run) {
      // Whoever asks for the output looks at the job, which has written it by then or not.
      for (const job of jobs.values()) stateOf(job);
      return written.has(run);
    },
  };
}
