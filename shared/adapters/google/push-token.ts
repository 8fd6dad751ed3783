// The second lock of a push endpoint: Pub/Sub signs each push as the service account of its subscription, and no other may knock.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { bearerOf, type PushGuard } from "../../runtime/push-guard.ts";
import { requireChecked } from "../../runtime/removed-signature.ts";
import { createOidcKeys, type OidcKeys } from "./oidc-keys.ts";
import { verifyOidc } from "./oidc.ts";

/** How Google's issuer of identity tokens is spelt; both are in use. */
export const GOOGLE_ISSUERS: readonly string[] = ["https://accounts.google.com", "accounts.google.com"];
/** Where its keys are. */
export const GOOGLE_KEYS_URL = "https://www.googleapis.com/oauth2/v3/certs";

/** The keys of Google's issuer. */
export function googleKeys(clock: Clock, url: string = GOOGLE_KEYS_URL): OidcKeys {
  return createOidcKeys({ url, algorithm: "RS256", clock });
}

/** Whose pushes are taken. */
export interface PushTokenOptions {
  /** As the subscription's `oidc_token.audience` says it. */
  readonly audience: string;
  /** As the subscription's `oidc_token.service_account_email` says it; besides, that of the schedule that calls `/reconcile`. */
  readonly serviceAccounts: readonly string[];
  readonly keys: OidcKeys;
  readonly clock: Clock;
  readonly issuers?: readonly string[];
  /** Whether Cloud Run has asked IAM about every caller, and takes the signatures away: see `OidcRule`. */
  readonly checkedInFront?: boolean;
}

/** A guard that lets in only what Pub/Sub sends as one of the service accounts. Issuer, audience, times and signature are `verifyOidc`'s. */
export function createPushTokenGuard(options: PushTokenOptions): PushGuard {
  const {
    audience,
    serviceAccounts,
    keys,
    clock,
    issuers = GOOGLE_ISSUERS,
    checkedInFront = false,
  } = options;
  const rule = { issuers, audiences: [audience], algorithm: "RS256", keys, clock, checkedInFront } as const;
  return async (rawHeaders) => {
    const token = bearerOf(rawHeaders);
    requireChecked(rawHeaders, token);
    const { email, email_verified: verified } = await verifyOidc(token, rule);
    // The text "true" is not true: an issuer that says so is not the one we know.
    if (typeof email === "string" && serviceAccounts.includes(email) && verified === true) return;
    throw new ControlPlaneError("PERMISSION_DENIED", "This sender may not push here.", {
      reason: "PUSH_SENDER_REFUSED",
      metadata: { expected: serviceAccounts.join(", ") },
    });
  };
}
