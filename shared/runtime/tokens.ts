// Tokens by which workflow executions call our API: an OIDC issuer of our own where Google's metadata server is not there.
import { createPrivateKey, createPublicKey } from "node:crypto";
import { exportJWK, generateKeyPair, jwtVerify, SignJWT, type JWK } from "jose";
import type { Clock } from "../ports/clock.ts";

/** The one algorithm that is signed with and accepted, and its curve as Node names it (P-256). */
const ALGORITHM = "ES256";
const CURVE = "prime256v1";
const TOKEN_TYPE = "JWT";
/** A token serves one call; a retry gets its own. */
export const WORKFLOW_TOKEN_LIFETIME_SECONDS = 300;
/** Difference of clocks that is tolerated. */
const CLOCK_TOLERANCE_SECONDS = 5;
/** Longest token that is looked at, in characters. */
const TOKEN_CHARACTERS_MAX = 4_096;

/** Name of the service that workflow executions call as. */
export const WORKFLOWS_PRINCIPAL = "services/workflows";

/** Mints and verifies tokens of workflow executions. */
export interface Issuer {
  /** A token for calls to `audience`, the base URL of the API. */
  mint(audience: string): Promise<string>;
  /** The service that the token belongs to; undefined when issuer, audience, time, algorithm or signature is not right. */
  verify(token: string, audience: string): Promise<string | undefined>;
}

/** A new private key for an issuer, to be kept in a file that only its owner can read. */
export async function makeIssuerKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return exportJWK(privateKey);
}

/** An issuer from its private key. Throws when the key is not an ES256 private key. */
export function createIssuer(options: {
  readonly privateKeyJwk: JWK;
  readonly issuer: string;
  readonly clock: Clock;
}): Issuer {
  const { privateKeyJwk, issuer, clock } = options;
  // Keys of Node's own: Web Crypto, which jose takes them to, is loaded with the first token and not at every start.
  const privateKey = createPrivateKey({ key: privateKeyJwk, format: "jwk" });
  if (privateKey.asymmetricKeyDetails?.namedCurve !== CURVE)
    throw new Error(`The issuer's key is none for ${ALGORITHM}: it needs an elliptic curve key on P-256.`);
  const publicKey = createPublicKey(privateKey);
  const nowSeconds = (): number => Math.floor(clock.now().getTime() / 1_000);
  return {
    mint: (audience) =>
      new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(WORKFLOWS_PRINCIPAL)
        .setIssuedAt(nowSeconds())
        .setExpirationTime(nowSeconds() + WORKFLOW_TOKEN_LIFETIME_SECONDS)
        .sign(privateKey),
    verify: async (token, audience) => {
      if (token.length > TOKEN_CHARACTERS_MAX) return undefined;
      try {
        const { payload } = await jwtVerify(token, publicKey, {
          algorithms: [ALGORITHM],
          typ: TOKEN_TYPE,
          issuer,
          audience,
          subject: WORKFLOWS_PRINCIPAL,
          requiredClaims: ["exp", "iat"],
          maxTokenAge: WORKFLOW_TOKEN_LIFETIME_SECONDS,
          clockTolerance: CLOCK_TOLERANCE_SECONDS,
          currentDate: clock.now(),
        });
        // An audience in a list would also be valid elsewhere.
        return typeof payload.aud === "string" ? payload.sub : undefined;
      } catch {
        // Whatever is wrong with it, the caller is not who they say; the reason would only help to guess.
        return undefined;
      }
    },
  };
}
