// Whether the code host sent these bytes. Decided before anything reads them.
import { Webhooks } from "@octokit/webhooks";
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

const matches = (secret: string, body: string, signature: string): Promise<boolean> =>
  new Webhooks({ secret }).verify(body, signature);

/**
 * Which secret signed the body. Both are tried whatever the first one says, so that time tells nothing.
 * 401 when neither did: the secret here and the one at the code host differ.
 */
export async function verifySignature(
  { current, previous }: Secret,
  body: string,
  signature: string,
): Promise<"current" | "previous"> {
  const [byCurrent, byPrevious] = await Promise.all([
    matches(current, body, signature),
    matches(previous ?? current, body, signature),
  ]);
  if (byCurrent) return "current";
  if (byPrevious && previous !== undefined) return "previous";
  throw new HttpError(
    401,
    "UNAUTHENTICATED",
    "The signature is not that of this body: compare the webhook's secret with the one that is configured here.",
    "SIGNATURE_WRONG",
  );
}
