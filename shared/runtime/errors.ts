// Any error → the answer that a caller gets (AIP-193). Defects keep their insides to themselves: those are in the log.
import { ControlPlaneError, ERROR_CODES, type ErrorCode } from "../domain/errors.ts";
import { fieldProblem, pathProblem, type SchemaComplaint } from "../domain/field-problem.ts";
import { createRedact, redactTexts } from "../domain/redact.ts";

/** Domain of our reasons in ErrorInfo. */
export const ERROR_DOMAIN = "signalbox.dev";

/** A refusal of the HTTP layer whose status is none of the table's, such as 404 for a path or 415 for a media type. */
export class HttpError extends ControlPlaneError {
  readonly http: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    http: number,
    code: ErrorCode,
    message: string,
    reason: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(code, message, { reason });
    this.name = "HttpError";
    this.http = http;
    this.headers = headers;
  }
}

/** The body of every error answer. */
export interface ErrorBody {
  readonly error: {
    readonly code: number;
    readonly status: ErrorCode;
    readonly message: string;
    readonly details: readonly Readonly<Record<string, unknown>>[];
  };
}

/** Status, headers and body of an error answer. */
export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ErrorBody;
}

const RETRY_AFTER_SECONDS = "1";

/** Fastify's own refusals that are the caller's doing → status, reason and what to do. */
const FASTIFY_REFUSALS: Readonly<Record<string, readonly [http: number, reason: string, message: string]>> = {
  FST_ERR_BAD_URL: [400, "INVALID_PATH", "The path cannot be decoded: percent-encode it as UTF-8."],
  FST_ERR_CTP_BODY_TOO_LARGE: [413, "BODY_TOO_LARGE", "The body is larger than is taken here: send less."],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    "UNSUPPORTED_MEDIA_TYPE",
    "The body's content type is not taken here: send application/json.",
  ],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [
    400,
    "INVALID_CONTENT_LENGTH",
    "The body is not as long as content-length says.",
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, "NOT_JSON", "The body is empty: send one JSON document."],
  // Node's word for a body whose connection ended before it did; nobody is left to read the answer.
  ECONNRESET: [400, "BODY_INCOMPLETE", "The body ended early: send the request again."],
  FST_ERR_PARAM_LENGTH: [414, "PATH_TOO_LONG", "A part of the path is longer than any name here."],
};

interface FastifyProblem {
  readonly code?: string;
  readonly statusCode?: number;
  readonly validation?: readonly SchemaComplaint[];
  readonly validationContext?: string;
}

/** The error as one of our table: ours as it is, the framework's refusals translated, anything else INTERNAL. */
export function toControlPlaneError(error: unknown): ControlPlaneError {
  if (error instanceof ControlPlaneError) return error;
  const { code = "", validation, validationContext, statusCode } = (error ?? {}) as FastifyProblem;
  if (validation !== undefined)
    return validationContext === "params" ? pathProblem(validation) : fieldProblem(validation);
  // A reset connection of ours to somebody else has the same code, and no status.
  const refusal = code === "ECONNRESET" && statusCode !== 400 ? undefined : FASTIFY_REFUSALS[code];
  if (refusal !== undefined) return new HttpError(refusal[0], "INVALID_ARGUMENT", refusal[2], refusal[1]);
  // What the framework refuses is the caller's doing, also where we have no words of our own for it.
  if (code.startsWith("FST_ERR_") && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const { message } = error as Error;
    return new HttpError(statusCode, "INVALID_ARGUMENT", `The request was refused: ${message}`, code);
  }
  return new ControlPlaneError("INTERNAL", "", { reason: "DEFECT", cause: error });
}

function headersOf(error: ControlPlaneError): Readonly<Record<string, string>> {
  if (error instanceof HttpError) return error.headers;
  if (error.code === "UNAUTHENTICATED") return { "www-authenticate": "Bearer" };
  if (error.code === "UNAVAILABLE" || error.code === "RESOURCE_EXHAUSTED")
    return { "retry-after": RETRY_AFTER_SECONDS };
  return {};
}

/** Whose ears an answer is for: a caller whom we know, or anyone who reaches the port. */
export type Audience = "caller" | "anyone";

function messageFor(error: ControlPlaneError, requestId: string, audience: Audience): string {
  if (error.code === "INTERNAL") {
    return `Something of ours went wrong, and whether the request took effect is not known. The log has the reason under request ${requestId}.`;
  }
  if (error.code === "UNAVAILABLE" && audience === "anyone") {
    return `A part that this request needs is not available: try again in a moment. The log has the reason under request ${requestId}.`;
  }
  return error.message;
}

/** Messages quote what others said, and others say what they should not. */
const redact = createRedact([]);

/** What whoever sent request `requestId` is told. Defects and, to strangers, outages say only where to look them up. */
export function errorAnswer(thrown: unknown, requestId: string, audience: Audience = "anyone"): ErrorAnswer {
  const error = toControlPlaneError(thrown);
  const status = error instanceof HttpError ? error.http : ERROR_CODES[error.code].http;
  const message = messageFor(error, requestId, audience);
  const open = message === error.message;
  const info = { reason: error.reason, domain: ERROR_DOMAIN, metadata: open ? error.metadata : {} };
  const details: Record<string, unknown>[] = [
    { "@type": "type.googleapis.com/google.rpc.ErrorInfo", ...info },
  ];
  if (open && error.field !== undefined && error.field !== "") {
    const fieldViolations = [{ field: error.field, description: error.message }];
    details.push({ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations });
  }
  details.push({ "@type": "type.googleapis.com/google.rpc.RequestInfo", requestId });
  return {
    status,
    headers: headersOf(error),
    body: redactTexts({ error: { code: status, status: error.code, message, details } }, redact) as ErrorBody,
  };
}
