// Page tokens after AIP-158: opaque, good only for the same question, and not for ever.
import { invalidArgument } from "../domain/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { TextSigner } from "./signed-text.ts";

/** How long a page token may be used: 1 day. */
export const PAGE_TOKEN_LIFETIME_MS = 24 * 60 * 60 * 1_000;
/** Entries of a page when the caller names no size. */
export const PAGE_SIZE_DEFAULT = 50;
/** Most entries of a page; a larger size is clamped. */
export const PAGE_SIZE_MAX = 500;

/** Makes and reads page tokens. `question` is every argument of the list except page size and token. */
export interface PageTokens {
  make(question: unknown, cursor: string): string;
  /** The cursor, or undefined for the first page. INVALID_ARGUMENT when it is not a token of this question, or too old. */
  read(question: unknown, token: string | undefined): string | undefined;
}

const PURPOSE = "page";

/** Page tokens signed by `signer`. */
export function createPageTokens(signer: TextSigner, clock: Clock): PageTokens {
  return {
    make: (question, cursor) =>
      signer.sign(PURPOSE, [
        JSON.stringify(question),
        cursor,
        clock.now().getTime() + PAGE_TOKEN_LIFETIME_MS,
      ]),
    read: (question, token) => {
      if (token === undefined || token === "") return undefined;
      const opened = signer.open(PURPOSE, token) as readonly [string, string, number] | undefined;
      if (opened === undefined) {
        throw invalidArgument(
          "pageToken",
          "pageToken is not one of ours: send nextPageToken of the last answer as it came.",
          "INVALID_PAGE_TOKEN",
        );
      }
      const [asked, cursor, expires] = opened;
      if (asked !== JSON.stringify(question)) {
        throw invalidArgument(
          "pageToken",
          "pageToken belongs to a list with other arguments: keep them, or start at the first page.",
          "INVALID_PAGE_TOKEN",
        );
      }
      if (expires <= clock.now().getTime()) {
        throw invalidArgument(
          "pageToken",
          "pageToken is more than a day old: start at the first page.",
          "PAGE_TOKEN_EXPIRED",
        );
      }
      return cursor;
    },
  };
}

/** Entries to return: 0 or nothing means the default, too many means the most. */
export function pageSize(asked: number | undefined): number {
  return asked === undefined || asked === 0 ? PAGE_SIZE_DEFAULT : Math.min(asked, PAGE_SIZE_MAX);
}
