// Every error of the code host, translated at the border. Messages are ours: theirs may quote what was sent.
import { ControlPlaneError, type ErrorCode } from "../../domain/errors.ts";

/** Characters of the code host's own words that an error keeps. */
const WORDS_LENGTH_MAX = 300;

/** What an octokit error carries, read without trusting it. */
interface Foreign {
  readonly status: number | undefined;
  readonly message: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly data: unknown;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function foreign(error: unknown): Foreign {
  if (!isRecord(error)) return { status: undefined, message: String(error), headers: {}, data: undefined };
  const { status, message, response } = error;
  const answer = isRecord(response) ? response : {};
  return {
    status: typeof status === "number" ? status : undefined,
    message: typeof message === "string" ? message : "",
    headers: isRecord(answer["headers"]) ? answer["headers"] : {},
    data: answer["data"],
  };
}

function wordsOf({ data, message }: Foreign): string {
  const given = isRecord(data) && typeof data["message"] === "string" ? data["message"] : message;
  const errors = isRecord(data) && Array.isArray(data["errors"]) ? (data["errors"] as unknown[]) : [];
  const fields = errors
    .filter(isRecord)
    .map((each) => [each["field"], each["code"], each["message"]].filter((part) => typeof part === "string"))
    .map((parts) => parts.join(" "));
  return [given, ...fields].join("; ").replaceAll(/\s+/g, " ").slice(0, WORDS_LENGTH_MAX);
}

/** Seconds after which a limit is over; undefined when the answer is about no limit. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api */
export function limitedForSeconds(error: unknown, nowMs: number): number | undefined {
  const { status, message, headers } = foreign(error);
  if (status !== 403 && status !== 429) return undefined;
  const after = Number(headers["retry-after"]);
  if (headers["retry-after"] !== undefined && Number.isFinite(after)) return Math.max(1, after);
  if (String(headers["x-ratelimit-remaining"]) === "0") {
    const reset = Number(headers["x-ratelimit-reset"]);
    // The reset is a time of the code host's clock: its own date says how far away it is.
    const now = Date.parse(String(headers["date"])) || nowMs;
    return Math.max(1, Math.ceil(reset - now / 1_000) + 1);
  }
  return status === 429 || /rate limit/i.test(message) ? 60 : undefined;
}

/** RESOURCE_EXHAUSTED until a limit of the code host is over. */
export function rateLimited(what: string, seconds: number, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    "RESOURCE_EXHAUSTED",
    `${what}: GitHub's rate limit is used up for ${seconds} s. It is tried again after that; nothing is to be done.`,
    { reason: "RATE_LIMITED", metadata: { retryAfterSeconds: String(seconds) }, cause },
  );
}

const failure = (code: ErrorCode, reason: string, message: string, cause: unknown): ControlPlaneError =>
  new ControlPlaneError(code, message, { reason, cause });

function forbidden(what: string, { headers }: Foreign, words: string, cause: unknown): ControlPlaneError {
  if (/suspended/i.test(words)) {
    const message = `${what}: the installation of the GitHub App is suspended. Unsuspend it in the account's settings.`;
    return failure("PERMISSION_DENIED", "INSTALLATION_SUSPENDED", message, cause);
  }
  const needed = headers["x-accepted-github-permissions"];
  const which = typeof needed === "string" ? `the permission ${needed}` : "the permission for it";
  const message = `${what}: the GitHub App lacks ${which} (${words}). Grant it in the App's settings and accept it in the installation.`;
  return failure("PERMISSION_DENIED", "APP_PERMISSION_MISSING", message, cause);
}

/** Whether the request did not get its answer in time. */
function isTimeout(error: unknown): boolean {
  const names = [error, isRecord(error) ? error["cause"] : undefined].map((each) =>
    isRecord(each) ? each["name"] : undefined,
  );
  return names.includes("TimeoutError") || names.includes("AbortError");
}

/** The error of our table for whatever a call of the code host threw. `what` names the call: `GitHub acme/web tree 0a1b…`. */
export function githubError(error: unknown, what: string, nowMs: number): ControlPlaneError {
  if (error instanceof ControlPlaneError) return error;
  const inner = isRecord(error) ? error["cause"] : undefined;
  if (inner instanceof ControlPlaneError) return inner;
  if (isTimeout(error))
    return failure("DEADLINE_EXCEEDED", "GITHUB_SLOW", `${what}: GitHub did not answer in time.`, error);
  const seconds = limitedForSeconds(error, nowMs);
  if (seconds !== undefined) return rateLimited(what, seconds, error);
  const seen = foreign(error);
  const words = wordsOf(seen);
  switch (seen.status) {
    case 401:
      // The identity that is refused is ours, and not that of whoever asks us.
      return failure(
        "UNAVAILABLE",
        "APP_KEY_REFUSED",
        `${what}: GitHub refuses the App's key (${words}). Compare the App id with the key, and make a new key if it was deleted.`,
        error,
      );
    case 403:
      return forbidden(what, seen, words, error);
    case 404:
    case 410:
      if (/No common ancestor/.test(words)) {
        const message = `${what} have no commit in common: base the branch on the default branch.`;
        return failure("FAILED_PRECONDITION", "UNRELATED_HISTORIES", message, error);
      }
      return failure(
        "NOT_FOUND",
        "RESOURCE_NOT_FOUND",
        `${what} does not exist, or the GitHub App may not see it. Install the App on the repository.`,
        error,
      );
    case 409:
      // What Git would have to be read for is a conflict where there is no commit: no other answer comes before the first one.
      if (/repository is empty/i.test(words))
        return failure("NOT_FOUND", "REPOSITORY_EMPTY", `${what}: the repository has no commit yet.`, error);
      return failure("ABORTED", "GITHUB_CONFLICT", `${what}: something else changed it (${words}).`, error);
    case 422:
      return /No commit found|does not exist/i.test(words)
        ? failure("NOT_FOUND", "RESOURCE_NOT_FOUND", `${what}: ${words}`, error)
        : failure(
            "INVALID_ARGUMENT",
            "GITHUB_REFUSED",
            `${what}: GitHub refuses the request: ${words}`,
            error,
          );
    case 400:
      return failure(
        "INVALID_ARGUMENT",
        "GITHUB_REFUSED",
        `${what}: GitHub refuses the request: ${words}`,
        error,
      );
    default:
      return failure(
        "UNAVAILABLE",
        "GITHUB_UNAVAILABLE",
        `${what}: GitHub does not answer as it should.`,
        error,
      );
  }
}
