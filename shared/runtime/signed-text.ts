// Short texts that we hand out and want back unchanged: page tokens and sign-in codes. Opaque, signed, bound to a purpose.
import { createHmac, timingSafeEqual } from "node:crypto";

/** Bytes of the key that signs; made once for an installation and kept with its secrets. */
export const SIGNING_KEY_BYTES_MIN = 32;

/** Longest text that is looked at, in characters. */
const SIGNED_TEXT_CHARACTERS_MAX = 4_096;

/** Signs values and opens what it has signed. `purpose` keeps one kind of text from being taken for another. */
export interface TextSigner {
  sign(purpose: string, value: unknown): string;
  /** The value, or undefined when the text is not ours, was changed, or was made for another purpose. */
  open(purpose: string, text: string): unknown;
}

/** A signer by HMAC-SHA-256. Throws when the key is too short to be a secret. */
export function createTextSigner(key: Uint8Array): TextSigner {
  if (key.byteLength < SIGNING_KEY_BYTES_MIN) {
    throw new RangeError(
      `The signing key has ${key.byteLength} bytes: make one of at least ${SIGNING_KEY_BYTES_MIN}.`,
    );
  }
  const mac = (purpose: string, body: string): Buffer =>
    createHmac("sha256", key).update(purpose).update("\0").update(body).digest();
  return {
    sign: (purpose, value) => {
      const body = Buffer.from(JSON.stringify(value)).toString("base64url");
      return `${body}.${mac(purpose, body).toString("base64url")}`;
    },
    open: (purpose, text) => {
      if (text.length > SIGNED_TEXT_CHARACTERS_MAX) return undefined;
      const [body, signature, ...rest] = text.split(".");
      if (body === undefined || signature === undefined || rest.length > 0) return undefined;
      const given = Buffer.from(signature, "base64url");
      const right = mac(purpose, body);
      if (given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
      return JSON.parse(Buffer.from(body, "base64url").toString());
    },
  };
}
