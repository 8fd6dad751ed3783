/** Something that can serve one model version on one endpoint. A backend is a name, never an address. */
export interface ReleaseRequest {
  readonly endpoint: string;
  readonly modelVersion: string;
  /** The name under which traffic will be sent to it; derived, so that a retry names the same backend. */
  readonly backend: string;
  readonly artifact: { readonly uri: string; readonly digest: string };
  readonly serving: {
    readonly manifests?: string;
    readonly parameters: Readonly<Record<string, string | number | boolean>>;
    readonly local?: { readonly command: readonly string[]; readonly readiness: string };
    readonly directory: string;
  };
  readonly repository: string;
  readonly commit: string;
}

/** How a backend stands. `preparing` → `ready` ⇄ `unready` → `failed`; `cold` after it was retired; `unknown` when never seen. */
export interface BackendStatus {
  readonly state: "unknown" | "preparing" | "ready" | "unready" | "failed" | "cold";
  readonly message: string;
  readonly since: string;
}

/**
 * Puts immutable, versioned backends beside each other. It never moves traffic.
 * Law: `prepare` with the same backend name is the same backend; nothing is started twice; the artifact's digest is checked
 * before anything starts (a mismatch is `failed`); a backend that dies is `failed` or started again, never silently gone;
 * `warm` needs nobody's memory but its own.
 */
export interface Deploys {
  prepare(request: ReleaseRequest): Promise<void>;
  /** Answers within `timeoutMs`; `unknown` when it cannot tell in time. */
  status(backend: string, timeoutMs: number): Promise<BackendStatus>;
  /** Stops a backend after its in-flight requests ended. Only call for a backend that has weight 0 and is marked cold. */
  retire(backend: string): Promise<void>;
  /** Starts a retired backend again as it was last prepared; a running one stays. False when it was never prepared here. */
  warm(backend: string): Promise<boolean>;
}
