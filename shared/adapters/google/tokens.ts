// Tokens of this process from the metadata server of Google Cloud: who it is to other services, and what it may ask of Google.
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { WorkflowIdentity } from "../../ports/workflow-identity.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { googleCode, googleError } from "./errors.ts";

/** Where the metadata server is; `GCE_METADATA_HOST` names another one to Google's own libraries, and to us. */
export const METADATA_HOST = "metadata.google.internal";
/** How long the metadata server may take: it is on the same machine. */
export const METADATA_TIMEOUT_MS = 3_000;
/**
 * How long before its end a token is no longer given out: whoever gets it needs time to use it. Until four minutes before that end the
 * metadata server gives the same one again, so a longer margin would ask it at every call for nothing.
 */
export const TOKEN_MARGIN_MS = 225_000;
/** Tokens kept at one time, by audience or scopes; the oldest is dropped first. */
export const TOKENS_KEPT_MAX = 100;
/** Bytes of an answer of the metadata server. */
const ANSWER_BYTES_MAX = 16 * 1024;
const FLAVOR = "metadata-flavor";

interface Kept {
  readonly token: string;
  readonly until: number;
}

/** Where tokens come from. */
export interface TokensOptions {
  readonly clock: Clock;
  readonly host?: string;
}

const unreadable = (what: string): ControlPlaneError =>
  new ControlPlaneError(
    "UNAVAILABLE",
    `The metadata server answered ${what}. Try again; look at the service account of this service.`,
    {
      reason: "METADATA_INVALID",
    },
  );

/** When a signed token ends, in milliseconds. It is our own: nobody has to verify it. */
function endOf(token: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as {
      exp?: unknown;
    };
    if (typeof exp === "number" && Number.isSafeInteger(exp)) return exp * 1_000;
  } catch {
    // Falls through: what has no end is no token.
  }
  throw unreadable("what is no identity token");
}

async function answerOf(response: Response): Promise<string> {
  const text = await response.text();
  if (!response.ok)
    throw Object.assign(new Error(text.slice(0, 200)), { response: { status: response.status } });
  // Something else listens there when it does not say so: it must not be believed.
  if (response.headers.get(FLAVOR) !== "Google") throw unreadable("without saying that it is Google's");
  if (text.length > ANSWER_BYTES_MAX) throw unreadable(`more than ${ANSWER_BYTES_MAX} bytes`);
  return text.trim();
}

/** Tokens of the service account that this process runs as, each kept until shortly before its end. */
export function createTokens({ clock, host = METADATA_HOST }: TokensOptions): WorkflowIdentity {
  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Promise<Kept>>();
  const now = (): number => clock.now().getTime();
  const base = `http://${host}/computeMetadata/v1/instance/service-accounts/default`;

  const ask = (path: string, doing: string): Promise<string> =>
    withDeadline(clock, METADATA_TIMEOUT_MS, doing, async (signal) => {
      try {
        const response = await fetch(`${base}/${path}`, {
          headers: { [FLAVOR]: "Google" },
          redirect: "error",
          signal,
        });
        return await answerOf(response);
      } catch (error) {
        const { name, cause } = error as Error;
        if (googleCode(error) === "NOT_FOUND") {
          throw failedPrecondition(
            "SERVICE_ACCOUNT_MISSING",
            "This process runs as no service account: give its service one in terraform/services.yaml, and deploy it again.",
          );
        }
        throw googleError(doing, host, name === "TypeError" && cause !== undefined ? cause : error);
      }
    });
  const once = async (key: string, load: () => Promise<Kept>): Promise<string> => {
    const known = kept.get(key);
    if (known !== undefined && now() < known.until - TOKEN_MARGIN_MS) return known.token;
    const loading = underWay.get(key) ?? load().finally(() => underWay.delete(key));
    underWay.set(key, loading);
    const fresh = await loading;
    kept.delete(key);
    kept.set(key, fresh);
    const oldest = kept.keys().next().value;
    if (kept.size > TOKENS_KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    return fresh.token;
  };
  return {
    identityToken: (audience) =>
      once(`identity ${audience}`, async () => {
        const query = new URLSearchParams({ audience, format: "full" });
        const token = await ask(`identity?${query.toString()}`, "Asking for an identity token");
        return { token, until: endOf(token) };
      }),
    accessToken: (scopes) =>
      once(`access ${scopes.toSorted().join()}`, async () => {
        const query =
          scopes.length === 0 ? "" : `?${new URLSearchParams({ scopes: scopes.join(",") }).toString()}`;
        const text = await ask(`token${query}`, "Asking for an access token");
        let answer: { readonly access_token?: unknown; readonly expires_in?: unknown };
        try {
          answer = (JSON.parse(text) ?? {}) as typeof answer;
        } catch {
          throw unreadable("what is no JSON");
        }
        const { access_token: token, expires_in: seconds } = answer;
        if (typeof token !== "string" || token === "" || typeof seconds !== "number")
          throw unreadable("no access token");
        return { token, until: now() + seconds * 1_000 };
      }),
  };
}
