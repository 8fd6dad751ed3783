// How a browser signs in to the page without a token in any URL that lasts: a code that works once, then a cookie that may only read.
import type { Clock } from "../ports/clock.ts";
import type { TextSigner } from "./signed-text.ts";

/** A sign-in code works once, for this long. */
export const SIGN_IN_CODE_LIFETIME_MS = 60_000;
/** The page stays signed in this long: 12 hours. */
export const SESSION_LIFETIME_MS = 12 * 60 * 60 * 1_000;

const CODE = "sign-in code";
const SESSION = "session";

/** Principal, end in epoch milliseconds, and a count that tells codes of one millisecond apart. */
type Grant = readonly [principal: string, expiresMs: number, count: number];

/** Codes and sessions. Both name a principal; what they may do is looked up when they are used. */
export interface Sessions {
  /** A code for this principal and the time at which it ends. */
  issueCode(principal: string): { readonly code: string; readonly expires: Date };
  /** The session that a code opens, or undefined when it is not ours, too old, or was used. */
  redeem(code: string): string | undefined;
  /** The principal of a session, or undefined. */
  principal(session: string): string | undefined;
}

/** Sessions signed by `signer`: they survive a restart, and any process with the same key can read them. */
export function createSessions(signer: TextSigner, clock: Clock): Sessions {
  let issued = 0;
  const used = new Map<string, number>();
  const open = (purpose: string, text: string): Grant | undefined => {
    const grant = signer.open(purpose, text) as Grant | undefined;
    return grant !== undefined && grant[1] > clock.now().getTime() ? grant : undefined;
  };
  const forget = (now: number): void => {
    for (const [code, expires] of used) if (expires <= now) used.delete(code);
  };
  return {
    issueCode: (principal) => {
      const expires = new Date(clock.now().getTime() + SIGN_IN_CODE_LIFETIME_MS);
      issued += 1;
      return { code: signer.sign(CODE, [principal, expires.getTime(), issued]), expires };
    },
    redeem: (code) => {
      const grant = open(CODE, code);
      // By what it says and not by its letters: base64 has more than one spelling of the same bytes.
      const spent = JSON.stringify(grant);
      if (grant === undefined || used.has(spent)) return undefined;
      const now = clock.now().getTime();
      forget(now);
      used.set(spent, grant[1]);
      return signer.sign(SESSION, [grant[0], now + SESSION_LIFETIME_MS, 0]);
    },
    principal: (session) => open(SESSION, session)?.[0],
  };
}
