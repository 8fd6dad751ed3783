/** A workflow execution as it stands (Cloud Workflows' states). */
export interface Execution {
  readonly id: string;
  readonly workflow: string;
  readonly state: "QUEUED" | "ACTIVE" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "UNAVAILABLE";
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly result?: unknown;
  readonly error?: { readonly payload: string; readonly context: string };
}

/**
 * Starts the shipped workflows. Law: `start` with the same cause is the same execution where the API can promise it, and
 * otherwise at least one (the workflow's first step claims its subject, so that a second one ends as a duplicate).
 */
export interface Executions {
  start(request: {
    readonly workflow: string;
    readonly argument: unknown;
    readonly cause: string;
  }): Promise<Execution>;
  get(id: string): Promise<Execution | undefined>;
  cancel(id: string): Promise<void>;
  /** Executions of a cause, oldest first. */
  find(cause: string): Promise<readonly Execution[]>;
}
