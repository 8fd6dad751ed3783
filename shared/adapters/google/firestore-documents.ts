// What of a document Firestore would refuse or change is refused here, with its name, before anything is sent.
import { createHash } from "node:crypto";
import { ControlPlaneError } from "../../domain/errors.ts";

/**
 * UTF-8 bytes of the text of one document. Firestore's limit is 1 MiB (1,048,576) with names and indexed fields; the rest is
 * left for those (https://firebase.google.com/docs/firestore/quotas).
 */
export const DOCUMENT_TEXT_BYTES_MAX = 1_000_000;
/** UTF-8 bytes of a key: document ids and indexed texts end at 1,500 bytes, and an id is a key with escapes. */
export const DOCUMENT_KEY_BYTES_MAX = 1_400;

const tooLarge = (what: string, bytes: number): ControlPlaneError =>
  new ControlPlaneError(
    "INVALID_ARGUMENT",
    `${what} takes ${bytes} bytes, and one document of Firestore holds ${DOCUMENT_TEXT_BYTES_MAX}. Make it smaller: put large content into an artifact and name its digest.`,
    { reason: "DOCUMENT_TOO_LARGE", metadata: { what, bytes: String(bytes) } },
  );

/** The text, if every store gives it back as it is: half of a surrogate pair cannot be written in UTF-8. */
export function wellFormed(text: string, what: string): string {
  if (text.isWellFormed()) return text;
  throw new ControlPlaneError(
    "INVALID_ARGUMENT",
    `${what} is no valid Unicode text: it holds half of a character. Send valid UTF-8.`,
    { reason: "TEXT_NOT_UNICODE", metadata: { what } },
  );
}

/**
 * JSON text of a document. Documents are kept as text: Firestore's own values lose integers beyond 2^53, the order of keys, and
 * names such as `__proto__`. Refuses what JSON would silently change, and what is larger than a document may be.
 */
export function documentText(value: unknown, what: string): string {
  const text: unknown = JSON.stringify(value, (key, part: unknown) => {
    if (typeof part !== "number" || Number.isFinite(part)) return part;
    const message = `${what} holds ${part} at ${JSON.stringify(key)}, which JSON cannot carry.`;
    throw new ControlPlaneError("INTERNAL", message, { reason: "NOT_JSON", field: key });
  });
  if (typeof text !== "string")
    throw new ControlPlaneError("INTERNAL", `${what} is no JSON document.`, { reason: "NOT_JSON" });
  // JSON.stringify escapes lone surrogates, so the text itself is always valid.
  const bytes = Buffer.byteLength(text);
  if (bytes > DOCUMENT_TEXT_BYTES_MAX) throw tooLarge(what, bytes);
  return text;
}

/** A document id for any key: readable, without `/`, never `.`, `..` or `__x__`, and no two keys share one. */
export function documentId(key: string, what: string): string {
  wellFormed(key, what);
  const escaped = `=${key.replaceAll(/[%/]/g, (sign) => (sign === "%" ? "%25" : "%2F"))}`;
  if (Buffer.byteLength(escaped) <= DOCUMENT_KEY_BYTES_MAX) return escaped;
  throw new ControlPlaneError(
    "INVALID_ARGUMENT",
    `${what} is longer than ${DOCUMENT_KEY_BYTES_MAX} bytes, which no document id can be. Use a shorter name.`,
    { reason: "KEY_TOO_LONG", metadata: { what: what.slice(0, 100) } },
  );
}

/** A document id of fixed length for texts that may be long, such as causes. */
export const hashedId = (...parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");
