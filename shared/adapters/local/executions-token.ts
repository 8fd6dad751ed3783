// The headers of a workflow's request with the token that its `auth` asks for.
import { failure, type EffectResult, type HttpRequest } from "../../../workflows/engine/engine.ts";
import type { WorkflowIdentity } from "../../ports/workflow-identity.ts";

type Headers = Record<string, string>;

const originOf = (text: string): string | undefined =>
  /^https?:\/\//i.test(text) && URL.canParse(text) ? new URL(text).origin : undefined;

const isGoogle = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" && hostname.endsWith(".googleapis.com");
};

/** Why a token must not travel with this request: one for an origin never goes to another. */
function refusal({ auth, url }: HttpRequest): string | undefined {
  if (auth?.type === "OAuth2")
    return isGoogle(url)
      ? undefined
      : `an OAuth2 token goes to https://*.googleapis.com only, not to ${url}: use auth: {type: OIDC}`;
  // An audience that is no URL, such as a client id, names no origin to keep to.
  const origin = originOf(auth?.audience ?? url);
  return origin === undefined || origin === new URL(url).origin
    ? undefined
    : `an identity token for ${auth?.audience} does not go to ${url}, which is another host`;
}

/** The headers to send, or an AuthError. */
export async function withToken(
  identity: WorkflowIdentity,
  request: HttpRequest,
): Promise<{ readonly headers: Headers } | EffectResult> {
  const { auth, url, headers } = request;
  if (auth === undefined) return { headers: { ...headers } };
  const why = refusal(request);
  if (why !== undefined) return failure("AuthError", why);
  try {
    const token =
      auth.type === "OIDC"
        ? await identity.identityToken(auth.audience ?? new URL(url).origin)
        : await identity.accessToken(auth.scopes ?? []);
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "authorization");
    return { headers: { ...Object.fromEntries(others), Authorization: `Bearer ${token}` } };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return failure("AuthError", `no ${auth.type} token for ${url}: ${reason}`);
  }
}
