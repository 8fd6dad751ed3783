// What Google's clients throw → our table of errors. Every adapter of this folder translates here, at the border, and nowhere else.
//
//   await google("Publishing plan.started", "topics/plan.started", () => topic.publishMessage(…));   throws only our errors
//   if (googleCode(error) === "ALREADY_EXISTS") …                                                    to branch before that
import { ControlPlaneError, type ErrorCode, ERROR_CODES } from "../../domain/errors.ts";
import { createRedact } from "../../domain/redact.ts";

/** Codes of google.rpc.Code by number (google/rpc/code.proto). A call that was cut off or unknown may have worked: ask again. */
const RPC_CODES: Readonly<Record<number, ErrorCode>> = {
  1: "UNAVAILABLE", // CANCELLED
  2: "INTERNAL", // UNKNOWN
  3: "INVALID_ARGUMENT",
  4: "DEADLINE_EXCEEDED",
  5: "NOT_FOUND",
  6: "ALREADY_EXISTS",
  7: "PERMISSION_DENIED",
  8: "RESOURCE_EXHAUSTED",
  9: "FAILED_PRECONDITION",
  10: "ABORTED",
  11: "INVALID_ARGUMENT", // OUT_OF_RANGE
  12: "UNIMPLEMENTED",
  13: "INTERNAL",
  14: "UNAVAILABLE",
  15: "INTERNAL", // DATA_LOSS
  16: "UNAUTHENTICATED",
};

/** HTTP statuses of the JSON APIs. 412 is a stale precondition of Cloud Storage. */
const HTTP_CODES: Readonly<Record<number, ErrorCode>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  408: "DEADLINE_EXCEEDED",
  409: "ABORTED",
  410: "NOT_FOUND",
  412: "FAILED_PRECONDITION",
  413: "INVALID_ARGUMENT",
  416: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  499: "UNAVAILABLE",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** What a person can do about it. Codes that are not here pass by themselves: the same call is made again. */
const REMEDIES: Partial<Readonly<Record<ErrorCode, string>>> = {
  PERMISSION_DENIED: "Grant the service account of this process the role that terraform/services.yaml names.",
  UNAUTHENTICATED:
    "Let this process run as its service account, or sign in with application-default credentials.",
  NOT_FOUND: "Check the project and the name, and that Terraform has created it.",
  INVALID_ARGUMENT: "The request itself is at fault: it fails the same way every time.",
  FAILED_PRECONDITION: "It is not in the state that the call needs: look at it, then decide.",
  ALREADY_EXISTS: "It is there already: compare it with what was wanted.",
  RESOURCE_EXHAUSTED: "A quota is used up: it is tried again later; raise the quota if this stays.",
  UNIMPLEMENTED: "This part of the service is not there: check its version and location.",
};

/** Node's words for a connection or a name that failed. */
const NETWORK = /^(E[A-Z_]{3,30}|UND_ERR_[A-Z_]{3,40}|ERR_[A-Z_]{3,40})$/;
/** Names of errors that an abandoned call rejects with. */
const ABANDONED = new Set(["AbortError", "TimeoutError"]);
/** Statuses that the gRPC clients number; above are HTTP's. */
const RPC_CODE_MAX = 16;
/** Characters of a foreign message that are told. */
export const GOOGLE_MESSAGE_CHARACTERS_MAX = 500;

const redact = createRedact([]);

interface ForeignError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
  readonly code?: unknown;
  readonly status?: unknown;
  readonly errors?: unknown;
  readonly response?: { readonly status?: unknown; readonly data?: unknown };
}

const isCode = (value: unknown): value is ErrorCode =>
  typeof value === "string" && Object.hasOwn(ERROR_CODES, value);

/** Cloud Storage says a limit so, whatever the status: with 403 it would be a right that is missing. Its own client tries these again. */
const LIMITS: ReadonlySet<unknown> = new Set(["rateLimitExceeded", "userRateLimitExceeded"]);

const hasLimit = (errors: unknown): boolean =>
  Array.isArray(errors) &&
  errors.some((each: { readonly reason?: unknown } | null) => LIMITS.has(each?.reason));

/** What a JSON API's body says, which is exact where the HTTP status is not: a 409 may be either of two codes. */
function codeInBody(data: unknown): ErrorCode | undefined {
  const said = (data as { error?: { status?: unknown; errors?: unknown } } | null | undefined)?.error;
  if (hasLimit(said?.errors)) return "RESOURCE_EXHAUSTED";
  return isCode(said?.status) ? said.status : undefined;
}

function codeOfNumber(value: unknown): ErrorCode | undefined {
  const number = typeof value === "string" && /^[0-9]{1,3}$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || number === 0) return undefined;
  if (number <= RPC_CODE_MAX) return RPC_CODES[number];
  return HTTP_CODES[number] ?? (number >= 500 ? "INTERNAL" : number >= 400 ? "INVALID_ARGUMENT" : undefined);
}

/** The code that an error of Google's clients stands for; undefined for an error that is none of theirs. */
export function googleCode(error: unknown): ErrorCode | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  if (error instanceof ControlPlaneError) return error.code;
  const { name, code, status, errors, response } = error as ForeignError;
  if (hasLimit(errors)) return "RESOURCE_EXHAUSTED";
  const known =
    codeInBody(response?.data) ??
    [code, status, response?.status].map((each) => (isCode(each) ? each : codeOfNumber(each))).find(isCode);
  if (known !== undefined) return known;
  if (code === "ETIMEDOUT" || (typeof name === "string" && ABANDONED.has(name))) return "DEADLINE_EXCEEDED";
  if (typeof code === "string" && NETWORK.test(code)) return "UNAVAILABLE";
  return undefined;
}

function told(error: unknown): string {
  const { details, message } = (error ?? {}) as ForeignError;
  const text = [details, message].find((each) => typeof each === "string" && each !== "") ?? String(error);
  const short = redact(text as string)
    .trim()
    .slice(0, GOOGLE_MESSAGE_CHARACTERS_MAX);
  return /[.!?]$/.test(short) ? short : `${short}.`;
}

/**
 * The error of a failed call as one of our table: ours as it is, a foreign one with what was being done, to what, what Google
 * said (tokens of known forms taken out) and the remedy. The foreign error itself is left behind: it may hold request headers.
 * An error that no client of Google's throws is a defect: INTERNAL. An identity that is refused is ours, and not that of whoever asks
 * us, and the next token may be taken: UNAVAILABLE.
 */
export function googleError(doing: string, resource: string, error: unknown): ControlPlaneError {
  if (error instanceof ControlPlaneError) return error;
  const known = googleCode(error);
  const said = known ?? "INTERNAL";
  const message = [`${doing} failed (${said}): ${told(error)}`, REMEDIES[said] ?? ""].join(" ").trim();
  return new ControlPlaneError(said === "UNAUTHENTICATED" ? "UNAVAILABLE" : said, message, {
    reason: known === undefined ? "GOOGLE_CLIENT_DEFECT" : `GOOGLE_${said}`,
    metadata: { resource, doing },
  });
}

/** Does `work`, and translates whatever it throws. `doing` begins a sentence ("Reading stacks/web"), `resource` names the thing. */
export async function google<Answer>(
  doing: string,
  resource: string,
  work: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    throw googleError(doing, resource, error);
  }
}
