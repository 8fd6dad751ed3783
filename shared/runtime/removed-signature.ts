// What Cloud Run leaves of a token that it has checked: it takes the signature away, so that the service cannot use the token elsewhere.
import { ControlPlaneError } from "../domain/errors.ts";
import { rawHeaderValues } from "./host-check.ts";

/** Stands in the place of the signature (cloud.google.com/run/docs/troubleshooting, "signature removed"). */
export const REMOVED_SIGNATURE = "SIGNATURE_REMOVED_BY_GOOGLE";
/** Header that Cloud Run looks at first, and then at no other. */
const LOOKED_AT_FIRST = "x-serverless-authorization";

/**
 * UNAUTHENTICATED for a token without signature in `Authorization` beside that other header: then the other one was checked, and
 * this one is what its sender wrote.
 */
export function requireChecked(rawHeaders: readonly string[], token: string): void {
  if (!token.endsWith(`.${REMOVED_SIGNATURE}`)) return;
  if (rawHeaderValues(rawHeaders, LOOKED_AT_FIRST).length === 0) return;
  throw new ControlPlaneError("UNAUTHENTICATED", "Send one token: this one nobody has checked.", {
    reason: "TOKEN_UNCHECKED",
  });
}
