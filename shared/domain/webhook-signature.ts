// Signatures of outgoing webhooks after Standard Webhooks 1.0.0 (standardwebhooks.com), symmetric scheme `v1`.
import { createHmac } from "node:crypto";

/** What a secret begins with, so that people and scanners know it when they see it. */
export const WEBHOOK_SECRET_PREFIX = "whsec_";
/** Fewest bytes of a secret: 192 bits, as the specification asks. */
const SECRET_BYTES_MIN = 24;
/** Most bytes of a secret: 512 bits. */
const SECRET_BYTES_MAX = 64;

/** The key of a secret `whsec_<base64>`; undefined when it is none. */
export function webhookKey(secret: string): Buffer | undefined {
  if (!secret.startsWith(WEBHOOK_SECRET_PREFIX)) return undefined;
  const text = secret.slice(WEBHOOK_SECRET_PREFIX.length);
  const key = Buffer.from(text, "base64");
  // Node reads over what is no base64: only what writes back the same is a key.
  if (key.toString("base64").replace(/=+$/, "") !== text.replace(/=+$/, "")) return undefined;
  return key.length >= SECRET_BYTES_MIN && key.length <= SECRET_BYTES_MAX ? key : undefined;
}

/** The headers of one attempt. Several keys while the secret rotates: one signature each, with spaces between them. */
export function webhookHeaders(
  id: string,
  time: Date,
  body: string,
  keys: readonly Buffer[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(time.getTime() / 1_000));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
