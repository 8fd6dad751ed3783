// The closed table of error codes. HTTP status, redelivery and log severity are all derived from the code.
// Codes are google.rpc.Code names; their HTTP status follows AIP-193 and google/rpc/code.proto.

/** What a caller may do after an error: send the same again later, or never without a change. */
export type Retry = "again" | "never";

/** Code → HTTP status, whether the same input may succeed later, and how loudly to log it. */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { http: 400, retry: "never", severity: "info" },
  FAILED_PRECONDITION: { http: 400, retry: "never", severity: "info" },
  UNAUTHENTICATED: { http: 401, retry: "never", severity: "warn" },
  PERMISSION_DENIED: { http: 403, retry: "never", severity: "warn" },
  NOT_FOUND: { http: 404, retry: "never", severity: "info" },
  ALREADY_EXISTS: { http: 409, retry: "never", severity: "info" },
  ABORTED: { http: 409, retry: "again", severity: "info" },
  RESOURCE_EXHAUSTED: { http: 429, retry: "again", severity: "warn" },
  INTERNAL: { http: 500, retry: "again", severity: "error" },
  UNIMPLEMENTED: { http: 501, retry: "never", severity: "warn" },
  UNAVAILABLE: { http: 503, retry: "again", severity: "warn" },
  DEADLINE_EXCEEDED: { http: 504, retry: "again", severity: "warn" },
} as const satisfies Record<string, { http: number; retry: Retry; severity: "info" | "warn" | "error" }>;

/** A code of the closed table. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** What else an error says, for programs: AIP-193 ErrorInfo `reason` and `metadata`, and the field at fault. */
export interface ErrorDetail {
  /** UPPER_SNAKE, at most 63 characters, stable: programs branch on it. */
  readonly reason: string;
  /** The field of the request at fault, as a JSON path such as `data.artifact.digest`. */
  readonly field?: string;
  /** Every dynamic value of the message, so that nobody has to parse prose. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** The one error that crosses a layer of ours: says what happened, to what, and what to do next. */
export class ControlPlaneError extends Error {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly field: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = "ControlPlaneError";
    this.code = code;
    this.reason = detail.reason;
    this.field = detail.field;
    this.metadata = detail.metadata ?? {};
  }
}

/** Whether the same input may succeed later. An error that is not of our table is a defect: redeliver, do not lose it. */
export function isTransient(error: unknown): boolean {
  return !(error instanceof ControlPlaneError) || ERROR_CODES[error.code].retry === "again";
}

/** INVALID_ARGUMENT for one field, with the remedy in the message. */
export function invalidArgument(field: string, message: string, reason = "INVALID_FIELD"): ControlPlaneError {
  return new ControlPlaneError("INVALID_ARGUMENT", message, { reason, field, metadata: { field } });
}

/** NOT_FOUND for a resource name. */
export function notFound(name: string, remedy: string): ControlPlaneError {
  return new ControlPlaneError("NOT_FOUND", `${name} does not exist. ${remedy}`, {
    reason: "RESOURCE_NOT_FOUND",
    metadata: { resource: name },
  });
}

/** FAILED_PRECONDITION with a stable reason. */
export function failedPrecondition(
  reason: string,
  message: string,
  metadata: Readonly<Record<string, string>> = {},
): ControlPlaneError {
  return new ControlPlaneError("FAILED_PRECONDITION", message, { reason, metadata });
}
