// The one gate: every route says which role it needs, and nobody passes without it.
import { ControlPlaneError } from "../domain/errors.ts";
import { type Role, roleAllows } from "../domain/role.ts";
import { rawHeaderValues } from "./host-check.ts";
import type { Identity, Principal } from "./identity.ts";
import { REMOVED_SIGNATURE, requireChecked } from "./removed-signature.ts";
import type { Sessions } from "./sessions.ts";

/** What a route may ask for: a role, or nothing (health, the signed webhook, redeeming a sign-in code). */
export type RouteRole = Role | "public";

/** The parts of a request that say who asks. */
export interface Credentials {
  readonly method: string;
  readonly rawHeaders: readonly string[];
}

/** Name of the page's cookie; the port is in it because cookies of one host are shared between ports. */
export function sessionCookieName(port: number | undefined): string {
  return `signalbox_session_${port ?? 0}`;
}

/** Header in which Identity-Aware Proxy says whom it has let in. */
const ASSERTION = "x-goog-iap-jwt-assertion";

const BEARER = /^Bearer ([\w.~+/=-]{1,4096})$/i;
const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

const unauthenticated = (reason: string, message: string): ControlPlaneError =>
  new ControlPlaneError("UNAUTHENTICATED", message, { reason });

/** The session in the cookie of this name, if one was sent. */
export function sessionOf(rawHeaders: readonly string[], cookieName: string): string | undefined {
  for (const header of rawHeaderValues(rawHeaders, "cookie")) {
    for (const cookie of header.split(";")) {
      const [name, value] = cookie.trim().split("=", 2);
      if (name === cookieName) return value;
    }
  }
  return undefined;
}

async function bySession(
  identity: Identity,
  sessions: Sessions | undefined,
  session: string,
  method: string,
): Promise<Principal> {
  const principal = await sessions?.principal(session);
  const found = principal === undefined ? undefined : await identity.find(principal);
  if (found === undefined)
    throw unauthenticated("SESSION_ENDED", "The page's session has ended: run `signalbox open` again.");
  if (!READING.has(method)) {
    throw unauthenticated(
      "TOKEN_REQUIRED",
      "The page's session may only read: send `Authorization: Bearer <token>` to change something.",
    );
  }
  return found;
}

/** The principal that the proxy vouches for; undefined when no proxy is in front of us, or it says nothing. */
async function byProxy(
  identity: Identity,
  { method, rawHeaders }: Credentials,
): Promise<Principal | undefined> {
  if (identity.vouchedFor === undefined) return undefined;
  const [assertion, ...more] = rawHeaderValues(rawHeaders, ASSERTION);
  if (assertion === undefined) return undefined;
  const found = more.length === 0 ? await identity.vouchedFor(assertion) : undefined;
  if (found === undefined)
    throw unauthenticated(
      "ASSERTION_INVALID",
      "What the proxy says of you is not good for this door: sign in again.",
    );
  // The proxy knows people by a cookie, which a browser sends along for any page: only our own page may change something.
  const sites = rawHeaderValues(rawHeaders, "sec-fetch-site");
  if (!READING.has(method) && sites.some((site) => site !== "same-origin")) {
    throw unauthenticated(
      "FOREIGN_PAGE",
      "Another site's page asked for this change: do it from ours, or with a token.",
    );
  }
  return found;
}

/**
 * Whether the bearer token is that of the proxy itself, which stands between the caller and us: IAP calls Cloud Run with a token of its
 * own, and Cloud Run takes that one's signature away. It says nothing about who asks.
 */
function isOfProxy(identity: Identity, rawHeaders: readonly string[], header: string): boolean {
  const hasAssertion = identity.vouchedFor !== undefined && rawHeaderValues(rawHeaders, ASSERTION).length > 0;
  return hasAssertion && header.endsWith(`.${REMOVED_SIGNATURE}`);
}

/** Who asks. UNAUTHENTICATED without exactly one good credential; a bearer token wins over the proxy's word, and that over a session. */
export async function whoAsks(
  identity: Identity,
  sessions: Sessions | undefined,
  { method, rawHeaders }: Credentials,
  cookieName: string,
): Promise<Principal> {
  const [header, ...more] = rawHeaderValues(rawHeaders, "authorization");
  if (more.length > 0) throw unauthenticated("AUTHORIZATION_DOUBLED", "Send one Authorization header.");
  if (header === undefined || isOfProxy(identity, rawHeaders, header)) {
    const vouched = await byProxy(identity, { method, rawHeaders });
    if (vouched !== undefined) return vouched;
    const session = sessionOf(rawHeaders, cookieName);
    if (session !== undefined) return bySession(identity, sessions, session, method);
    throw unauthenticated(
      "TOKEN_MISSING",
      "Send `Authorization: Bearer <token>`: your token is in its file in the state folder.",
    );
  }
  const token = BEARER.exec(header)?.[1];
  if (token !== undefined) requireChecked(rawHeaders, token);
  const principal = token === undefined ? undefined : await identity.authenticate(token);
  if (principal === undefined) {
    throw unauthenticated(
      "TOKEN_INVALID",
      "This token is not known: send the one in your token file of this state folder.",
    );
  }
  return principal;
}

/** PERMISSION_DENIED unless the principal's role is enough; the message names the role that is. */
export function requireRole(principal: Principal, needed: Role): void {
  if (roleAllows(principal.role, needed)) return;
  const remedy =
    needed === "workflow"
      ? "only workflow executions may call it"
      : `ask someone who is ${needed}, or an admin to change principals.json`;
  throw new ControlPlaneError(
    "PERMISSION_DENIED",
    `${principal.principal} is ${principal.role}, and this needs the role ${needed}: ${remedy}.`,
    {
      reason: "ROLE_REQUIRED",
      metadata: { principal: principal.principal, role: principal.role, needed },
    },
  );
}
