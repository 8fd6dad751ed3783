/** What the build program does; everything it needs, no secret. Content is read by the program, see services/provisioner/build. */
export interface BuildSpec {
  readonly kind: "plan" | "apply";
  readonly stack: string;
  readonly repository: string;
  /** Commit or tree that is checked out (only the closure's files are). */
  readonly tree: string;
  readonly directory: string;
  readonly varFiles: readonly string[];
  /** The closure: every file the working copy may hold. */
  readonly files: readonly { readonly path: string; readonly mode: string; readonly objectId: string }[];
  readonly allow: {
    readonly providers: readonly string[];
    readonly provisioners: readonly string[];
    readonly dataSources: readonly string[];
    readonly modules: readonly string[];
  };
  readonly terraformVersion?: string;
  readonly timeLimitMs: number;
  readonly lockTimeoutSeconds: number;
  readonly closureDigest: string;
  readonly configDigest: string;
  /** apply only: the saved plan and what it was made from. */
  readonly planBlob?: string;
  readonly stateSerial?: number;
}

/** Why a build did not do its work. Closed list; each has a next step in `domain/build-failure.ts`. */
export type BuildFailureReason =
  | "FETCH_FAILED"
  | "SCAN_REFUSED"
  | "TERRAFORM_MISSING"
  | "TERRAFORM_VERSION"
  | "PARSE_FAILED"
  | "INIT_FAILED"
  | "PLAN_FAILED"
  | "APPLY_FAILED"
  | "STALE_STATE"
  | "LOCK_TIMEOUT"
  | "TIMED_OUT"
  | "CANCELLED"
  | "INTERRUPTED"
  | "DUPLICATE_BUILD"
  | "INTERNAL";

/** What a finished build reports. */
export type BuildResult =
  | {
      readonly state: "planned";
      readonly digest: string;
      readonly planBlob: string;
      readonly canonicalBlob: string;
      readonly stateSerial: number;
      readonly terraformVersion: string;
      readonly counts: { create: number; update: number; replace: number; delete: number; read: number };
      readonly changes: readonly {
        address: string;
        action: "create" | "update" | "replace" | "delete" | "read";
        details: readonly string[];
      }[];
      readonly changesTruncated: boolean;
      readonly outputsChanged: readonly string[];
      readonly durationMs: number;
    }
  | {
      readonly state: "applied";
      readonly outputs: readonly { name: string; sensitive: boolean; value?: unknown }[];
      readonly stateSerial: number;
      readonly counts: { create: number; update: number; replace: number; delete: number; read: number };
      readonly durationMs: number;
    }
  | {
      readonly state: "failed";
      readonly reason: BuildFailureReason;
      readonly message: string;
      readonly nextStep: string;
      /** Resources that were being changed when an apply ended early. */
      readonly resources: readonly string[];
      /** Problems at lines of files, for annotations. */
      readonly problems: readonly { path: string; line: number; column: number; message: string }[];
    };

/** A build as it stands. */
export type BuildStatus =
  | { readonly state: "unknown" }
  | { readonly state: "running"; readonly startedAt: string }
  | { readonly state: "done"; readonly result: BuildResult; readonly finishedAt: string };

/**
 * Runs the build program. Law: a build id is started at most once, ever, also across restarts; starting a known id again is
 * harmless and changes nothing; a build whose process is gone without a result is `done` with INTERRUPTED.
 */
export interface Builds {
  /** Starts the build or adopts it when it exists. Resolves when it is durable that it was started. */
  start(id: string, spec: BuildSpec): Promise<void>;
  status(id: string): Promise<BuildStatus>;
  /** Redacted log text from `offset` characters on. */
  logs(
    id: string,
    offset: number,
  ): Promise<{ readonly text: string; readonly next: number; readonly complete: boolean }>;
  /** Asks the build to stop: SIGTERM to its group, then SIGKILL after a grace time. */
  cancel(id: string): Promise<void>;
}
