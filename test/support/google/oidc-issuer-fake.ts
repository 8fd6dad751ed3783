// A fake of an OpenID Connect issuer on loopback: its key set over HTTP, keys that rotate, answers that fail when told to.
// Written from https://accounts.google.com/.well-known/openid-configuration, the IAP page on signed headers, and GitHub's page
// on OpenID Connect: an issuer shows a JWKS with `kid`, `alg` and `use`, with a `cache-control` that says how long it is good.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { onTestFinished } from "vitest";

/** One key pair of the issuer. */
export interface IssuerKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

/** What is said besides the honest claims. */
export interface Said {
  readonly claims?: JWTPayload;
  readonly without?: readonly string[];
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: IssuerKey;
}

/** How the key set is answered until told otherwise. */
export interface KeysAnswer {
  readonly status?: number;
  readonly body?: string | Buffer;
  readonly cacheControl?: string;
  readonly never?: boolean;
}

/** A new key pair. */
export async function makeKey(kid: string, algorithm: "RS256" | "ES256" = "RS256"): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: "sig" } };
}

/** An issuer whose honest tokens say `honest()`; closed when the test ends. */
export async function startIssuer(options: {
  readonly algorithm?: "RS256" | "ES256";
  readonly honest: () => JWTPayload;
  /** Its first key; a new one if absent. */
  readonly first?: IssuerKey;
}) {
  const { algorithm = "RS256", honest } = options;
  let keys: readonly [IssuerKey, ...IssuerKey[]] = [options.first ?? (await makeKey("first", algorithm))];
  let answer: KeysAnswer = {};
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    if (answer.never === true) return;
    response
      .writeHead(answer.status ?? 200, {
        "content-type": "application/json",
        "cache-control": answer.cacheControl ?? "public, max-age=3600, must-revalidate",
      })
      .end(answer.body ?? JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const sign = ({ claims = {}, without = [], header = {}, key }: Said = {}): Promise<string> => {
    const { kid, privateKey } = key ?? keys[0];
    const payload = Object.fromEntries(
      Object.entries({ ...honest(), ...claims }).filter(([name]) => !without.includes(name)),
    );
    return new SignJWT(payload)
      .setProtectedHeader({ alg: algorithm, typ: "JWT", kid, ...header })
      .sign(privateKey);
  };
  return {
    keysUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    sign,
    /** The key that signs now. */
    key: () => keys[0],
    /** A new key signs from now on; the old one is shown as long as `keepOld`. */
    rotate: async (kid: string, keepOld = true) => {
      keys = [await makeKey(kid, algorithm), ...(keepOld ? keys : [])];
    },
    answerWith: (next: KeysAnswer) => (answer = next),
    /** How often the keys were asked for. */
    asked: () => asked,
  };
}

/** A running issuer. */
export type FakeIssuer = Awaited<ReturnType<typeof startIssuer>>;
