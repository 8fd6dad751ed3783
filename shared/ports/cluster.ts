/** A Ray job to run. */
export interface RayJob {
  /** Derived from the run: submitting it again is the same job. */
  readonly submissionId: string;
  readonly entrypoint: string;
  readonly runtimeEnvironment: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A Ray job as it stands; `absent`: this head does not know it (a restarted head forgets its jobs). */
export interface RayJobStatus {
  readonly state: "absent" | "PENDING" | "RUNNING" | "STOPPED" | "SUCCEEDED" | "FAILED";
  readonly message: string;
}

/** A Ray cluster through its Jobs API (embedded) or RayJob (GKE). Law: UNAVAILABLE when the head cannot be reached. */
export interface Cluster {
  /** Where it is, for people; undefined when no Ray is configured (then the other methods are FAILED_PRECONDITION `NO_RAY`). */
  readonly address: string | undefined;
  submit(job: RayJob): Promise<void>;
  status(submissionId: string): Promise<RayJobStatus>;
  stop(submissionId: string): Promise<void>;
  logs(submissionId: string): Promise<string>;
}
