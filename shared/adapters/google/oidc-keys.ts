// The public keys of an issuer (JWKS, RFC 7517), kept as long as its answer says and asked for again when an unknown one is named.
import { isUtf8 } from "node:buffer";
import { type CryptoKey, importJWK, type JWK } from "jose";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";

/** How long an issuer may take to answer with its keys. */
export const KEYS_FETCH_MAX_MS = 5_000;
/** Bytes of a key set. */
export const KEYS_BYTES_MAX = 256 * 1024;
/** Keys that are taken from one set. */
export const KEYS_MAX = 64;
/** Shortest time for which keys are kept, whatever the issuer says, and between two looks because of an unknown key. */
export const KEYS_FRESH_MIN_MS = 60_000;
/** Longest time for which keys are kept without asking, whatever the issuer says. */
export const KEYS_FRESH_MAX_MS = 24 * 3_600_000;
/** How long keys that are no longer fresh are used while the issuer cannot be reached. */
export const KEYS_STALE_MAX_MS = 24 * 3_600_000;

/** The algorithms that are accepted, one for each issuer. */
export type Algorithm = "RS256" | "ES256";

/** The keys of one issuer. */
export interface OidcKeys {
  /**
   * The key of this id. Undefined: the issuer has none. Throws UNAVAILABLE when that cannot be known, because the issuer does
   * not answer: the caller must ask for the request again, and let nobody in.
   */
  find(kid: string): Promise<CryptoKey | undefined>;
}

/** Where keys come from. */
export interface OidcKeysOptions {
  readonly url: string;
  readonly algorithm: Algorithm;
  readonly clock: Clock;
  readonly fetch?: typeof fetch;
}

interface Held {
  readonly keys: ReadonlyMap<string, CryptoKey>;
  readonly freshUntil: number;
}

/** For how long an answer may be kept, by its `cache-control`; at least a minute, so that a wrong header makes no flood. */
export function freshMs(cacheControl: string | null): number {
  const seconds = /(?:^|[\s,])max-age\s*=\s*"?([0-9]{1,9})\b/i.exec(cacheControl ?? "")?.[1];
  return Math.min(Math.max(Number(seconds ?? 0) * 1_000, KEYS_FRESH_MIN_MS), KEYS_FRESH_MAX_MS);
}

const KEY_TYPES: Readonly<Record<Algorithm, string>> = { RS256: "RSA", ES256: "EC" };

/** The keys of a set that can verify the algorithm: with an id, for signatures, and public. Others are passed over. */
async function usableKeys(jwks: unknown, algorithm: Algorithm): Promise<ReadonlyMap<string, CryptoKey>> {
  const listed = (jwks as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(listed)) throw new TypeError("it holds no list of keys");
  const keys = new Map<string, CryptoKey>();
  for (const jwk of listed.slice(0, KEYS_MAX) as readonly JWK[]) {
    const { kid, kty, use, alg } = jwk;
    if (typeof kid !== "string" || kty !== KEY_TYPES[algorithm] || jwk.d !== undefined) continue;
    if ((use !== undefined && use !== "sig") || (alg !== undefined && alg !== algorithm)) continue;
    keys.set(kid, (await importJWK(jwk, algorithm)) as CryptoKey);
  }
  if (keys.size === 0) throw new TypeError(`it holds no key for ${algorithm}`);
  return keys;
}

async function readAtMost(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > KEYS_BYTES_MAX) throw new RangeError(`it has more than ${KEYS_BYTES_MAX} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  const whole = Buffer.concat(chunks);
  if (!isUtf8(whole)) throw new TypeError("it is no UTF-8");
  return whole.toString("utf8");
}

/** The keys behind this address. Nothing is fetched before the first token is looked at. */
export function createOidcKeys({ url, algorithm, clock, fetch: ask = fetch }: OidcKeysOptions): OidcKeys {
  const now = (): number => clock.now().getTime();
  let held: Held | undefined;
  let lastAsked = Number.NEGATIVE_INFINITY;
  let failure: ControlPlaneError | undefined;
  let underWay: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    try {
      held = await withDeadline(clock, KEYS_FETCH_MAX_MS, `Fetching the keys at ${url}`, async (signal) => {
        const response = await ask(url, {
          redirect: "error",
          signal,
          headers: { accept: "application/json" },
        });
        if (!response.ok) {
          await response.body?.cancel();
          throw new Error(`it answered ${response.status}`);
        }
        const keys = await usableKeys(JSON.parse(await readAtMost(response)), algorithm);
        return { keys, freshUntil: now() + freshMs(response.headers.get("cache-control")) };
      });
      failure = undefined;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      failure = new ControlPlaneError(
        "UNAVAILABLE",
        `The keys at ${url} cannot be had: ${why}. Tokens are refused until they can; look at the way to the issuer.`,
        { reason: "KEYS_UNAVAILABLE", metadata: { url }, cause },
      );
    }
  };
  /** Asks the issuer, once for all who wait, and at most once a minute. */
  const refresh = async (): Promise<void> => {
    if (underWay === undefined && now() - lastAsked >= KEYS_FRESH_MIN_MS) {
      lastAsked = now();
      underWay = load().finally(() => (underWay = undefined));
    }
    await underWay;
  };
  const usable = (): Held | undefined =>
    held !== undefined && now() < held.freshUntil + KEYS_STALE_MAX_MS ? held : undefined;

  return {
    async find(kid) {
      if (held === undefined || now() >= held.freshUntil || !held.keys.has(kid)) await refresh();
      const key = usable()?.keys.get(kid);
      if (key !== undefined) return key;
      if (failure !== undefined) throw failure;
      return undefined;
    },
  };
}
