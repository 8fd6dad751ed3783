// Lists in pages, up to a limit that each list names.
import type { Static, TSchema } from "typebox";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { GithubRequest, Send } from "./send.ts";

/** Entries of one page: the most that GitHub gives. */
export const PAGE_ENTRIES_MAX = 100;
/** Pages of one list. */
export const LIST_PAGES_MAX = 100;

/** What a link to the next page asks for. Only that is taken from it, never where it leads: the token goes nowhere else. */
function nextOf(link: string): Readonly<Record<string, string>> {
  const { searchParams } = new URL(link);
  const asked = ["page", "cursor", "after"].map((name) => [name, searchParams.get(name)] as const);
  return Object.fromEntries(asked.filter((each): each is readonly [string, string] => each[1] !== null));
}

/** Reads pages while there is a next one. FAILED_PRECONDITION when there are more than `pagesMax`: a part is never taken for the whole. */
export async function* pages<Schema extends TSchema>(
  send: Send,
  schema: Schema,
  request: GithubRequest,
  pagesMax = LIST_PAGES_MAX,
): AsyncGenerator<Static<Schema>> {
  let parameters: Readonly<Record<string, unknown>> = { per_page: PAGE_ENTRIES_MAX, ...request.parameters };
  for (let count = 1; ; count += 1) {
    const { data, links } = await send(schema, { ...request, parameters });
    yield data;
    const { next } = links;
    if (next === undefined) return;
    if (count >= pagesMax) {
      const message = `${request.what} has more than ${pagesMax} pages of ${PAGE_ENTRIES_MAX}; they are not read.`;
      throw new ControlPlaneError("FAILED_PRECONDITION", message, { reason: "LIST_TOO_LONG" });
    }
    parameters = { ...parameters, ...nextOf(next) };
  }
}
