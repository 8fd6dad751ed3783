// Digests say their algorithm: `sha256:` of one file's bytes, `tree-sha256:` of a folder's listing.
import { requireOpenUri } from "./credentials.ts";
import { invalidArgument } from "./errors.ts";

const CONTENT_DIGEST = /^(?:tree-)?sha256:[0-9a-f]{64}$/;

/** Characters of a URI that we keep. */
export const URI_CHARACTERS_MAX = 2_048;

/** Whether this is the digest of a file or a folder in the one form that we write. */
export function isContentDigest(text: string): boolean {
  return CONTENT_DIGEST.test(text);
}

/** Refuses what is not the digest of a file or a folder, naming the field that held it. */
export function requireContentDigest(text: string, field: string): void {
  if (isContentDigest(text)) return;
  throw invalidArgument(
    field,
    `${field} is ${JSON.stringify(text.slice(0, 80))}, which is not a content digest: write sha256:<64 lower-case hex digits> for a file or tree-sha256:<64 hex digits> for a folder.`,
    "INVALID_DIGEST",
  );
}

/** Refuses a URI without a scheme, with control characters or a credential, or longer than `URI_CHARACTERS_MAX`, naming the field. */
export function requireUri(text: string, field: string): void {
  requireOpenUri(text, field);
  if (text.length <= URI_CHARACTERS_MAX && /^[a-z][a-z0-9+.-]*:[^\s\p{Cc}]+$/u.test(text)) return;
  throw invalidArgument(
    field,
    `${field} is ${JSON.stringify(text.slice(0, 200))}, which is not a URI: write a scheme and a path without blanks, such as file:///srv/models/ranker, in at most ${URI_CHARACTERS_MAX} characters.`,
    "INVALID_URI",
  );
}
