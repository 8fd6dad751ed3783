// One call of the API. A refusal becomes a CommandError with the API's own words.
import { CONFIGURATION_SCHEMA_FILE } from "../shared/domain/configuration-json-schema.ts";
import type { Connection } from "./connection.ts";
import { fetchWith, trustProblem } from "./transport.ts";
import { CommandError, EXIT } from "./exit.ts";

/** How long one call may take. */
export const CALL_TIME_MAX_MS = 30_000;

/**
 * What a control plane answers to everybody who reaches it. Not a probe: in front of Cloud Run, Google keeps paths that end in `z`
 * for itself, so their answer, good or bad, would not be ours.
 */
export const PUBLIC_PATH = `/schemas/${CONFIGURATION_SCHEMA_FILE}`;

/** A call. */
export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Default: `CALL_TIME_MAX_MS`. */
  readonly timeoutMs?: number;
}

async function send(
  { url, token, trust }: Connection,
  { method, path, body, contentType, timeoutMs = CALL_TIME_MAX_MS }: Call,
): Promise<Response> {
  const fetchThere = await fetchWith(trust);
  try {
    return await fetchThere(new URL(path, url), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": contentType ?? "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    const problem = trustProblem(cause);
    if (problem !== undefined) {
      throw new CommandError(
        EXIT.unavailable,
        `The certificate of ${url} is not trusted (${problem}): give its authority, or the certificate itself, with --ca or SIGNALBOX_CA, and use a name that it is for.`,
        cause,
      );
    }
    const late = cause instanceof Error && cause.name === "TimeoutError";
    throw new CommandError(
      EXIT.unavailable,
      late
        ? `${url} did not answer within ${timeoutMs / 1000} s. Whether it did what you asked is not known: look with \`signalbox status\`.`
        : `${url} does not answer. Start the control plane with \`npm start\` or \`npx signalbox start\`.`,
      cause,
    );
  }
}

const exitOf = (status: number): number => {
  if (status === 401 || status === 403) return EXIT.denied;
  if (status === 404) return EXIT.notFound;
  return status >= 500 ? EXIT.unavailable : EXIT.refused;
};

interface ApiError {
  readonly status: string;
  readonly message: string;
  readonly details?: readonly { readonly reason?: string }[];
}

/** The API's reason for a path that no route has: what was typed as a name has not the form of one. */
const UNKNOWN_PATH = "UNKNOWN_PATH";

/** A refusal in the API's own words, unless these speak of paths, which nobody has typed. */
export function refusal(status: number, text: string): CommandError {
  try {
    const { error } = JSON.parse(text) as { error: ApiError };
    if (error.details?.some(({ reason }) => reason === UNKNOWN_PATH)) {
      return new CommandError(
        EXIT.notFound,
        "NOT_FOUND: Nothing has such a name: give names as lists show them, such as stacks/web/plans/1a2b or teams/default/runs/products. (A control plane older than this program does not know every path.)",
      );
    }
    return new CommandError(exitOf(status), `${error.status}: ${error.message}`);
  } catch {
    // Not one of our errors (a proxy's page, perhaps): its text is all there is to show.
    return new CommandError(exitOf(status), `HTTP ${status}: ${text.slice(0, 500)}`);
  }
}

/** The answer as text. */
export async function callText(connection: Connection, call: Call): Promise<string> {
  const response = await send(connection, call);
  const text = await response.text();
  if (response.ok) return text;
  throw refusal(response.status, text);
}

/** The answer as JSON. */
export async function callJson<Body>(connection: Connection, call: Call): Promise<Body> {
  const text = await callText(connection, call);
  try {
    return (text === "" ? {} : JSON.parse(text)) as Body;
  } catch (cause) {
    throw new CommandError(
      EXIT.unavailable,
      `${connection.url} answered something that is not JSON: is that a Signalbox?`,
      cause,
    );
  }
}
