// Credentials do not belong into what we keep: facts are kept for ever, and everyone with the role viewer reads them.
import { ControlPlaneError } from "./errors.ts";
import { createRedact, stripEscapes } from "./redact.ts";

const redact = createRedact([]);

/** User information of a URL (RFC 3986, 3.2.1). */
const USER_INFORMATION = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i;
/** Parameters of a URL that let whoever has it in: signed URLs of the clouds, and tokens. */
const SIGNED = /[?&#](?:x-goog-signature|x-amz-signature|sig|signature|token|access_token|api_?key)=[^&#]/i;
/** Names of variables that hold a credential; a name that ends in `_FILE` or `_PATH` says where one is. */
const SECRET_NAME =
  /(?:^|_)(?:token|secret|password|passwd|passphrase|pat|(?:api|access|private|secret|signing|encryption)_?key)(?:_id)?$/i;

function refuse(field: string, what: string): never {
  throw new ControlPlaneError(
    "INVALID_ARGUMENT",
    `${field} ${what}: what is asked for here is kept and shown. Leave it out, and let whoever uses it read it where it runs.`,
    // The value itself is in no message, log or answer.
    { reason: "CREDENTIAL_IN_REQUEST", field, metadata: { field } },
  );
}

/** Whether a text holds a token of a known form, a private key, or a password in a URL. */
export function holdsCredential(text: string): boolean {
  return redact(text) !== stripEscapes(text);
}

/** Refuses a URI that lets whoever reads it in, naming the field and not the URI. */
export function requireOpenUri(uri: string, field: string): void {
  if (USER_INFORMATION.test(uri) || SIGNED.test(uri) || holdsCredential(uri))
    refuse(field, "is a URI with a credential in it");
}

/** Refuses a text, or any text inside a value, that holds a credential; also a variable whose name says that it does. */
export function requireNoCredential(value: unknown, field: string): void {
  if (typeof value === "string") {
    if (holdsCredential(value)) refuse(field, "holds a credential");
    return;
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const inner = Array.isArray(value) ? `${field}[${key}]` : `${field}.${key}`;
    if (typeof item === "string" && item !== "" && !Array.isArray(value) && SECRET_NAME.test(key))
      refuse(inner, "is a variable for a credential");
    requireNoCredential(item, inner);
  }
}

/** A URL without user information, to be shown; text that is no URL as it is. */
export function shownUrl(url: string): string {
  return url.replace(/(?<=^[a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "");
}
