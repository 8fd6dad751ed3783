// Effects on the real world: HTTP through fetch, with tokens that the person brought; log lines to the terminal.
import { performHttp, type HttpOptions } from "../../shared/adapters/local/executions-http.ts";
import {
  failure,
  type EffectRequest,
  type EffectResult,
  type HttpRequest,
  type Perform,
} from "../../workflows/engine/engine.ts";
import { withoutControls } from "./source.ts";

/** Where a workflow's tokens come from when a person runs it. */
export const IDENTITY_TOKEN_VARIABLE = "SIGNALBOX_IDENTITY_TOKEN";
/** The same for OAuth2, which goes to Google's APIs only. */
export const ACCESS_TOKEN_VARIABLE = "SIGNALBOX_ACCESS_TOKEN";

/** What real effects need. */
export interface RealEffects {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly fetch?: HttpOptions["fetch"];
  /** Takes a line of the workflow's log. */
  readonly log: (line: string) => void;
}

const isGoogle = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && hostname.endsWith(".googleapis.com");
};

function missing(variable: string, command: string): string {
  return `the environment has no ${variable}: set it, for instance with ${variable}="$(${command})"`;
}

/** The request with the access token, or why it cannot have one. */
function withAccessToken(
  request: EffectRequest & HttpRequest,
  token: string | undefined,
): (EffectRequest & HttpRequest) | EffectResult {
  if (request.auth?.type !== "OAuth2") return request;
  if (!isGoogle(request.url))
    return failure(
      "AuthError",
      `an OAuth2 token goes to https://*.googleapis.com only, not to ${request.url}`,
    );
  if (token === undefined)
    return failure("AuthError", missing(ACCESS_TOKEN_VARIABLE, "gcloud auth print-access-token"));
  const { auth: _, ...rest } = request;
  return { ...rest, headers: { ...request.headers, Authorization: `Bearer ${token}` } };
}

/** A driver that carries requests out. */
export function createRealEffects({ env, fetch = globalThis.fetch, log }: RealEffects): Perform {
  const mint = async (): Promise<string> => {
    const token = env[IDENTITY_TOKEN_VARIABLE];
    if (token === undefined)
      throw new Error(missing(IDENTITY_TOKEN_VARIABLE, "gcloud auth print-identity-token"));
    return token;
  };
  return async (request, signal) => {
    if (request.kind === "log") {
      log(withoutControls(`${request.severity} ${request.payload}`));
      return { kind: "done" };
    }
    if (request.kind !== "http") throw new Error(`The engine asked its driver for ${request.kind}.`);
    const ready = withAccessToken(request, env[ACCESS_TOKEN_VARIABLE]);
    if (!("method" in ready)) return ready;
    return performHttp({ mint, fetch }, ready, signal);
  };
}
