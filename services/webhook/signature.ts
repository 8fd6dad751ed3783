// Whether the code host sent these bytes. Decided before anything reads them.
// The check is synchronous: deliveries that arrive together are then kept in one commit.
import { createHmac, timingSafeEqual } from "node:crypto";
import { HttpError } from "../../shared/runtime/errors.ts";
import type { Secret } from "../../shared/ports/secrets.ts";

const SIGNATURE = /^sha256=[0-9a-f]{64}$/;

/** Refuses any number of signatures but one, and any that is not lower-case HMAC-SHA-256. SHA-1 is never enough. */
export function requireSignature(values: readonly string[]): string {
  const [signature, ...more] = values;
  if (signature === undefined || more.length > 0 || !SIGNATURE.test(signature)) {
    throw new HttpError(
      401,
      "UNAUTHENTICATED",
      "The delivery must carry one x-hub-signature-256 of the form sha256=<64 hex digits>: set the webhook's secret.",
      "SIGNATURE_MISSING",
    );
  }
  return signature;
}

const matches = (secret: string, body: Uint8Array, signature: string): boolean =>
  timingSafeEqual(
    createHmac("sha256", secret).update(body).digest(),
    Buffer.from(signature.slice("sha256=".length), "hex"),
  );

/**
 * Which secret signed the body (docs.github.com, "Validating webhook deliveries"); the signature is one that `requireSignature`
 * let through. While the secret rotates both are tried whatever the first one says, so that time tells nothing.
 * 401 when neither did: the secret here and the one at the code host differ.
 */
export function verifySignature(
  { current, previous }: Secret,
  body: Uint8Array,
  signature: string,
): "current" | "previous" {
  if (current === "") throw new Error("The webhook's secret is empty: nothing can be verified with it.");
  const byCurrent = matches(current, body, signature);
  const byPrevious = previous !== undefined && matches(previous, body, signature);
  if (byCurrent) return "current";
  if (byPrevious) return "previous";
  throw new HttpError(
    401,
    "UNAUTHENTICATED",
    "The signature is not that of this body: compare the webhook's secret with the one that is configured here.",
    "SIGNATURE_WRONG",
  );
}
