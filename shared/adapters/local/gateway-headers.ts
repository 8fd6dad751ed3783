// Headers that go through the gateway and headers that end at it (RFC 9110, 7.6.1).
import type { IncomingHttpHeaders } from "node:http";

/** The model version that answered, on every response of a backend. */
export const VERSION_HEADER = "x-signalbox-version";

/** Why the gateway itself refused. */
export const REASON_HEADER = "x-signalbox-reason";

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

type Headers = Record<string, string | readonly string[]>;

function endToEnd(headers: IncomingHttpHeaders, ...ended: readonly string[]): Headers {
  const listed = (headers.connection ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && !listed.includes(name) && !ended.includes(name)) {
      kept[name] = value;
    }
  }
  return kept;
}

/**
 * Headers of a request as the backend gets them. `expect` has been answered by our server; without a body there is no
 * length; the caller's address is added to `x-forwarded-for`.
 */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  remote: string,
  hasBody: boolean,
): Record<string, string | string[]> {
  const kept = endToEnd(headers, "expect", ...(hasBody ? [] : ["content-length"]));
  const before = kept["x-forwarded-for"];
  kept["x-forwarded-for"] = before === undefined ? remote : `${String(before)}, ${remote}`;
  return kept as Record<string, string | string[]>;
}

/** Headers of a response as the caller gets them, with the version that answered. */
export function responseHeaders(
  headers: IncomingHttpHeaders,
  version: string,
): Record<string, string | string[]> {
  const kept = endToEnd(headers, REASON_HEADER);
  kept[VERSION_HEADER] = version;
  return kept as Record<string, string | string[]>;
}
