// One call to an API of Google: counted, given a deadline, and its error translated. What is retried, and when, is decided above.
import { ControlPlaneError } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { google } from "./errors.ts";

/** How long one call may take. */
export const GOOGLE_CALL_TIMEOUT_MS = 20_000;

/** Told of every call that leaves the process, such as `CreateBuild`. */
export type CountCall = (method: string) => void;

/** What a call is made with. */
export interface CallsOptions {
  readonly clock: Clock;
  /** Default: GOOGLE_CALL_TIMEOUT_MS. */
  readonly timeoutMs?: number;
  readonly count?: CountCall;
}

/** What a call is about: its method, and words that begin a sentence and name the thing. */
export interface Call {
  readonly method: string;
  readonly doing: string;
  readonly resource: string;
  /** Default: that of the options. */
  readonly timeoutMs?: number;
}

/** Makes calls with these options. Whatever it throws is of our table. */
export type Calls = <Answer>(call: Call, work: () => Promise<Answer>) => Promise<Answer>;

/** Options for a method of a generated client: it is asked once, because those who call our adapters ask again. */
export const ONCE: { retry: { retryCodes: number[] }; maxRetries: number; autoPaginate: boolean } = {
  retry: { retryCodes: [] },
  maxRetries: 0,
  autoPaginate: false,
};

/** Calls with a deadline, a count and our errors. */
export function createCalls({
  clock,
  timeoutMs: usualMs = GOOGLE_CALL_TIMEOUT_MS,
  count,
}: CallsOptions): Calls {
  return ({ method, doing, resource, timeoutMs = usualMs }, work) => {
    count?.(method);
    return google(doing, resource, () => withDeadline(clock, timeoutMs, doing, work));
  };
}

/** Whether a call that failed so may have had its effect all the same. */
export function isAmbiguous(error: unknown): boolean {
  return !(error instanceof ControlPlaneError) || AMBIGUOUS.has(error.code);
}

const AMBIGUOUS: ReadonlySet<string> = new Set(["DEADLINE_EXCEEDED", "UNAVAILABLE", "INTERNAL", "ABORTED"]);

/** Pages of one list that are read. */
export const GOOGLE_LIST_PAGES_MAX = 20;

/** What a generated client answers to a list with `ONCE`: entries, and the request for the next page. */
type ListPage = readonly [
  entries: readonly unknown[],
  next: { readonly pageToken?: string | null | undefined } | null,
  ...rest: unknown[],
];

/**
 * The entries of a list, page by page: a page may have fewer than were asked for, or none at all, and others behind it
 * (https://google.aip.dev/158). What lies beyond the last page that is read is as unknown as what a list that is behind does not show.
 */
export async function listed(
  ask: (page: { readonly pageToken?: string }) => Promise<ListPage>,
): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  let page: { readonly pageToken?: string } = {};
  for (let read = 0; read < GOOGLE_LIST_PAGES_MAX; read++) {
    const [entries, next] = await ask(page);
    found.push(...entries);
    const pageToken = next?.pageToken ?? "";
    if (pageToken === "") return found;
    page = { pageToken };
  }
  return found;
}
