/** A frame of a stack trace, innermost first. */
export interface WorkflowTraceElement {
  readonly step: string;
  readonly routine: string;
  readonly position: { readonly line: number; readonly column: number; readonly length: number };
}

/** An execution with everything that the Workflow Executions API shows of it. Times are RFC 3339. */
export interface WorkflowExecution {
  readonly id: string;
  readonly workflow: string;
  readonly state: "QUEUED" | "ACTIVE" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "UNAVAILABLE";
  /** The revision's id, such as `000001-a3f`. */
  readonly revision: string;
  readonly createdAt: string;
  /** Absent while it is queued, and for ever when it was cancelled in the queue. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly callLogLevel: string;
  /** JSON text. */
  readonly argument: string;
  /** JSON text. */
  readonly result?: string;
  readonly error?: {
    readonly payload: string;
    readonly context: string;
    readonly stackTrace: { readonly elements: readonly WorkflowTraceElement[] };
  };
}

/** What an execution is made from. */
export interface NewWorkflowExecution {
  readonly workflow: string;
  /** JSON text. */
  readonly argument: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly callLogLevel: string;
  /** Whether it may wait in the queue when as many as may run are at work; else RESOURCE_EXHAUSTED. */
  readonly mayQueue: boolean;
  readonly cause: string;
}

/** A callback endpoint that can still be called. */
export interface WorkflowCallback {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  /** Whether a step waits for it now. */
  readonly waiting: boolean;
}

/** A request to a callback endpoint; `body` is base64 text. */
export interface WorkflowCallbackRequest {
  readonly method: string;
  readonly url: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

/** A deployed workflow: its source, and the revision that new executions are pinned to. */
export interface DeployedWorkflow {
  readonly name: string;
  readonly revision: string;
  readonly source: string;
}

/**
 * Executions as their API has them, beside `Executions`, which starts ours. Law: an execution keeps the revision it was created
 * with; `deliver` answers 200 only once the callback is durable; a queued execution starts when one that runs has ended.
 */
export interface WorkflowExecutions {
  create(request: NewWorkflowExecution): Promise<WorkflowExecution>;
  get(workflow: string, id: string): Promise<WorkflowExecution | undefined>;
  /** The latest `limit` of a workflow, newest first. */
  list(workflow: string, limit: number): Promise<readonly WorkflowExecution[]>;
  /** Cancels one that has not ended, and resolves when it has stopped. */
  cancel(id: string): Promise<void>;
  /** Where each thread of one that runs stands, the main one first. */
  currentSteps(id: string): readonly { readonly routine: string; readonly step: string }[];
  callbacks(id: string): readonly WorkflowCallback[];
  deliver(id: string, callback: string, request: WorkflowCallbackRequest): Promise<200 | 404 | 405 | 429>;
  /** The deployed workflow of a name; undefined when there is none. */
  workflow(name: string): Promise<DeployedWorkflow | undefined>;
}
