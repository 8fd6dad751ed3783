// Tokens of an OpenID Connect issuer (RFC 7519, RFC 8725): everything that such a token can lie about is looked at, here once.
import { type JWTPayload, jwtVerify } from "jose";
import { ControlPlaneError } from "../../domain/errors.ts";
import { parseStrictJson } from "../../domain/strict-json.ts";
import type { Clock } from "../../ports/clock.ts";
import { REMOVED_SIGNATURE } from "../../runtime/removed-signature.ts";
import type { Algorithm, OidcKeys } from "./oidc-keys.ts";

/** Characters of a token that is looked at. */
export const OIDC_TOKEN_CHARACTERS_MAX = 4_096;
/** Age, and length of life, of a token. */
export const OIDC_TOKEN_AGE_MAX_SECONDS = 3_600;
/** Difference of clocks that is borne. */
export const OIDC_SKEW_MAX_SECONDS = 30;

/** Whose tokens are taken, and for what. */
export interface OidcRule {
  /** Spellings of the one issuer. */
  readonly issuers: readonly string[];
  /** Audiences, each taken exactly as it is written. */
  readonly audiences: readonly string[];
  readonly algorithm: Algorithm;
  readonly keys: OidcKeys;
  readonly clock: Clock;
  /**
   * Takes a token whose signature Cloud Run has checked and taken away. Only for a service that nobody reaches but through Cloud Run
   * and whose callers IAM is asked about; whoever reads the token from a request asks `requireChecked` first.
   */
  readonly checkedInFront?: boolean;
}

/** Claims of a token whose signature, issuer, audience and times are right. What else they must be, the caller says. */
export type Claims = JWTPayload & { readonly iss: string; readonly aud: string; readonly sub: string };

const SEGMENT = /^[\w-]+$/;
/** Members by which a header could bring or name a key of its own, or change how the token is read. */
const FORBIDDEN_HEADERS = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc"] as const;

/** UNAUTHENTICATED: the reason is for our log, the sender is told only that the token is no good. */
export function badToken(reason: string): ControlPlaneError {
  return new ControlPlaneError("UNAUTHENTICATED", "This token is not good for this door.", {
    reason: "TOKEN_INVALID",
    metadata: { why: reason },
  });
}

/** Base64url has one spelling for each content: another one is somebody trying. */
const isCanonical = (segment: string): boolean =>
  SEGMENT.test(segment) && Buffer.from(segment, "base64url").toString("base64url") === segment;

function strictObject(segment: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseStrictJson(Buffer.from(segment, "base64url"));
  } catch {
    throw badToken(`its ${what} is no JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw badToken(`its ${what} is no object`);
  return value as Readonly<Record<string, unknown>>;
}

/** The claims of a token that nobody has verified: good for choosing the rule to verify it by, and for nothing else. */
export function unverifiedIssuer(token: string): unknown {
  const [, payload = ""] = token.split(".");
  if (token.length > OIDC_TOKEN_CHARACTERS_MAX || !isCanonical(payload)) return undefined;
  try {
    return strictObject(payload, "payload")["iss"];
  } catch {
    return undefined;
  }
}

function checkHeader(segment: string, algorithm: Algorithm): string {
  const header = strictObject(segment, "header");
  const { alg, typ, kid } = header;
  if (alg !== algorithm) throw badToken("it is signed by another algorithm");
  if (typ !== undefined && typ !== "JWT") throw badToken("it is a token of another type");
  if (FORBIDDEN_HEADERS.some((name) => Object.hasOwn(header, name)))
    throw badToken("its header says too much");
  if (typeof kid !== "string" || kid === "" || kid.length > 200) throw badToken("it names no key");
  return kid;
}

const isTime = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value);

function checkTimes({ iat, exp, nbf }: JWTPayload, now: number): void {
  if (!isTime(iat) || !isTime(exp) || (nbf !== undefined && !isTime(nbf)))
    throw badToken("its times are no whole numbers");
  if (iat > now + OIDC_SKEW_MAX_SECONDS) throw badToken("it is from the future");
  if ((nbf ?? iat) > now + OIDC_SKEW_MAX_SECONDS) throw badToken("it is not valid yet");
  if (exp <= now - OIDC_SKEW_MAX_SECONDS) throw badToken("it has ended");
  if (now - iat > OIDC_TOKEN_AGE_MAX_SECONDS + OIDC_SKEW_MAX_SECONDS) throw badToken("it is too old");
  if (exp - iat > OIDC_TOKEN_AGE_MAX_SECONDS || exp <= iat)
    throw badToken("it lives too long, or not at all");
}

async function verifySignature(token: string, { keys, algorithm }: OidcRule, kid: string): Promise<void> {
  const key = await keys.find(kid);
  if (key === undefined) throw badToken("its key is not known");
  try {
    // Times are looked at by ourselves, more strictly; this date keeps the library from refusing what we would name better.
    await jwtVerify(token, key, { algorithms: [algorithm], clockTolerance: Number.MAX_SAFE_INTEGER });
  } catch {
    throw badToken("its signature is wrong");
  }
}

/**
 * The claims of the token. UNAUTHENTICATED unless it is one of the issuer, for exactly one of the audiences, of the one
 * algorithm, in its time and signed with a key that the issuer shows (or checked in front of us); UNAVAILABLE when that cannot be known now.
 */
export async function verifyOidc(token: string, rule: OidcRule): Promise<Claims> {
  if (token.length > OIDC_TOKEN_CHARACTERS_MAX) throw badToken("it is too long");
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  if (more.length > 0 || ![header, payload, signature].every(isCanonical))
    throw badToken("it is no token of three parts");
  const kid = checkHeader(header, rule.algorithm);
  const claims = strictObject(payload, "payload") as JWTPayload;
  const { iss, aud, sub } = claims;
  // Before any key is asked for: a token for somebody else costs the issuer nothing.
  if (typeof iss !== "string" || !rule.issuers.includes(iss)) throw badToken("it is of another issuer");
  // An audience in a list would also be good elsewhere.
  if (typeof aud !== "string" || !rule.audiences.includes(aud)) throw badToken("it is for another audience");
  if (typeof sub !== "string" || sub === "" || sub.length > 500) throw badToken("it names nobody");
  checkTimes(claims, Math.floor(rule.clock.now().getTime() / 1_000));
  if (rule.checkedInFront !== true || signature !== REMOVED_SIGNATURE)
    await verifySignature(token, rule, kid);
  return claims as Claims;
}
