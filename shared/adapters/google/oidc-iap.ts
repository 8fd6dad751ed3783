// Assertions of Identity-Aware Proxy: who the proxy has let in, signed (cloud.google.com/iap/docs/signed-headers-howto).
import { failedPrecondition } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { createOidcKeys, type OidcKeys } from "./oidc-keys.ts";
import type { OidcRule } from "./oidc.ts";

/** The issuer of assertions. */
export const IAP_ISSUER = "https://cloud.google.com/iap";
/** Where its keys are. */
export const IAP_KEYS_URL = "https://www.gstatic.com/iap/verify/public_key-jwk";

/** Audiences as IAP writes them: of a Cloud Run service with IAP switched on, and of a backend service of a load balancer. */
const AUDIENCE =
  /^\/projects\/[0-9]{1,20}\/(locations\/[a-z0-9-]{1,40}\/services\/[a-z][a-z0-9-]{0,62}|global\/backendServices\/[0-9]{1,20})$/;

/** The keys of IAP. */
export function iapKeys(clock: Clock, url: string = IAP_KEYS_URL): OidcKeys {
  return createOidcKeys({ url, algorithm: "ES256", clock });
}

/** Which assertions are taken. FAILED_PRECONDITION for an audience that IAP never writes: a typing error would lock everybody out. */
export function iapRule(audiences: readonly string[], keys: OidcKeys, clock: Clock): OidcRule {
  const wrong = audiences.find((audience) => !AUDIENCE.test(audience));
  if (wrong !== undefined || audiences.length === 0) {
    throw failedPrecondition(
      "IAP_AUDIENCE_INVALID",
      `${JSON.stringify(wrong ?? "")} is no audience of IAP: write /projects/NUMBER/locations/REGION/services/NAME, or /projects/NUMBER/global/backendServices/ID.`,
    );
  }
  return { issuers: [IAP_ISSUER], audiences, algorithm: "ES256", keys, clock };
}
