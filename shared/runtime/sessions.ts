// How a browser signs in to the page without a token in any address, history, log or Referer: a code that works once, then a
// cookie that may only read. Both are random; what is kept of them is their hash.
import { createHash, randomBytes } from "node:crypto";
import { failedPrecondition } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Grant, Grants } from "../ports/grants.ts";

/** A sign-in code works once, for this long. */
export const SIGN_IN_CODE_LIFETIME_MS = 60_000;
/** The page stays signed in this long: 12 hours. */
export const SESSION_LIFETIME_MS = 12 * 60 * 60 * 1_000;
/** Codes and sessions of one person; the one that would end first gives way to a new one. */
export const SESSIONS_PER_PERSON_MAX = 20;
/** Codes and sessions of everyone. */
export const SESSIONS_MAX = 1_000;

const SECRET_BYTES = 32;
const SECRET = /^[\w-]{43}$/;

/** Codes and sessions. Both name a principal; what they may do is looked up when they are used. */
export interface Sessions {
  /** A code for this principal and the time at which it ends. */
  issueCode(principal: string): Promise<{ readonly code: string; readonly expires: Date }>;
  /** The session that a code opens, or undefined when it is not ours, too old, or was used. */
  redeem(code: string): Promise<string | undefined>;
  /** The principal of a session, or undefined. */
  principal(session: string): Promise<string | undefined>;
  /** Ends a session, in every process and for good. */
  end(session: string): Promise<void>;
}

/** Where a proxy signs people in: there are no codes and no sessions of ours. */
export const NO_SESSIONS: Sessions = {
  issueCode: async () => {
    throw failedPrecondition(
      "SIGNED_IN_BY_PROXY",
      "The page needs no code here: open its address, and sign in with your account.",
    );
  },
  redeem: async () => undefined,
  principal: async () => undefined,
  end: async () => {},
};

const keyOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** Sessions that `grants` keeps: they survive a restart, and every process on the same grants knows them. */
export function createSessions(grants: Grants, clock: Clock): Sessions {
  const now = (): number => clock.now().getTime();

  /** Makes room: what has ended goes, then what would end first. */
  const tidy = async (principal: string): Promise<void> => {
    const all = await grants.list();
    const live = all
      .filter(({ grant }) => grant.expiresMs > now())
      .toSorted((one, other) => other.grant.expiresMs - one.grant.expiresMs);
    const others = live.filter(({ grant }) => grant.principal !== principal);
    const own = live
      .filter(({ grant }) => grant.principal === principal)
      .slice(0, SESSIONS_PER_PERSON_MAX - 1);
    const kept = new Set([...own, ...others].slice(0, SESSIONS_MAX - 1).map(({ key }) => key));
    for (const { key } of all) if (!kept.has(key)) await grants.take(key);
  };

  const issue = async (grant: Omit<Grant, "expiresMs">, lifetimeMs: number) => {
    await tidy(grant.principal);
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const expiresMs = now() + lifetimeMs;
    await grants.put(keyOf(secret), { ...grant, expiresMs });
    return { secret, expiresMs };
  };

  const known = async (secret: string, kind: Grant["kind"]): Promise<Grant | undefined> => {
    if (!SECRET.test(secret)) return undefined;
    const grant = await grants.get(keyOf(secret));
    return grant?.kind === kind && grant.expiresMs > now() ? grant : undefined;
  };

  return {
    async issueCode(principal) {
      const { secret, expiresMs } = await issue({ kind: "code", principal }, SIGN_IN_CODE_LIFETIME_MS);
      return { code: secret, expires: new Date(expiresMs) };
    },
    async redeem(code) {
      // Looked at before it is taken, so that somebody's session that is sent here by mistake lives on.
      if ((await known(code, "code")) === undefined) return undefined;
      const grant = await grants.take(keyOf(code));
      if (grant === undefined) return undefined;
      return (await issue({ kind: "session", principal: grant.principal }, SESSION_LIFETIME_MS)).secret;
    },
    principal: async (session) => (await known(session, "session"))?.principal,
    async end(session) {
      if ((await known(session, "session")) !== undefined) await grants.take(keyOf(session));
    },
  };
}
