// The one way out: bounded answers, and conditional requests, which cost nothing of the rate limit when nothing has changed.
import { createHash } from "node:crypto";
import { ControlPlaneError } from "../../domain/errors.ts";

/** Bytes of one answer. A blob of the largest file that is read comes as base64. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Answers that are kept to ask whether they have changed. */
export const KNOWN_ANSWERS_MAX = 500;
/** Times that one request is led on. */
export const REDIRECTS_MAX = 3;
/** Bytes of an answer that is kept. */
export const KNOWN_ANSWER_BYTES_MAX = 256 * 1024;

type Fetch = typeof globalThis.fetch;

interface Known {
  readonly etag: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: readonly (readonly [string, string])[];
}

function unusable(what: string): ControlPlaneError {
  return new ControlPlaneError("UNAVAILABLE", `GitHub's answer ${what}.`, { reason: "GITHUB_ANSWER" });
}

async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.body !== null) {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > ANSWER_BYTES_MAX) throw unusable(`is larger than ${ANSWER_BYTES_MAX} bytes`);
      chunks.push(chunk);
    }
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function requireJson(response: Response, body: Uint8Array): void {
  if (!response.ok || body.byteLength === 0) return;
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw unusable("is no JSON in UTF-8");
  }
}

/** Keyed by who asks as well: what one installation may see is not for another. */
function keyOf(url: string, headers: Headers): string {
  return createHash("sha256")
    .update(`${headers.get("x-signalbox-scope") ?? ""}\n${headers.get("accept") ?? ""}\n${url}`)
    .digest("hex");
}

/** Statuses that lead every request on, and those that lead reads alone: what a write becomes there is left to the client (RFC 9110, 15.4). */
const LEADS = new Set([307, 308]);
const LEADS_READS = new Set([301, 302]);

/**
 * Follows a repository that was renamed or transferred: GitHub leads from its old name to `/repositories/ID`, which is no error
 * (https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api). The token goes to the host that it is for, and
 * to no other.
 */
async function sendFollowing(underneath: Fetch, start: string, init: RequestInit): Promise<Response> {
  let url = start;
  for (let led = 0; ; led += 1) {
    const response = await underneath(url, { ...init, redirect: "manual" });
    const isRead = (init.method ?? "GET") === "GET";
    if (!LEADS.has(response.status) && !(isRead && LEADS_READS.has(response.status))) return response;
    await response.body?.cancel();
    const place = response.headers.get("location") ?? "";
    const next = URL.canParse(place, url) ? new URL(place, url) : undefined;
    if (next?.origin !== new URL(start).origin || led >= REDIRECTS_MAX)
      throw unusable("leads elsewhere, or on and on");
    url = next.href;
  }
}

/** A fetch with both. `underneath` is what really sends. */
export function createGithubFetch(underneath: Fetch = globalThis.fetch): Fetch {
  const known = new Map<string, Known>();
  const remember = (key: string, response: Response, body: Uint8Array<ArrayBuffer>): void => {
    const etag = response.headers.get("etag");
    known.delete(key);
    if (etag === null || body.byteLength > KNOWN_ANSWER_BYTES_MAX) return;
    known.set(key, { etag, body, headers: [...response.headers] });
    const [oldest] = known.keys();
    if (known.size > KNOWN_ANSWERS_MAX && oldest !== undefined) known.delete(oldest);
  };
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init?.headers);
    const key = (init?.method ?? "GET") === "GET" ? keyOf(url, headers) : undefined;
    // Ours alone: the code host never sees it.
    headers.delete("x-signalbox-scope");
    const before = key === undefined ? undefined : known.get(key);
    if (before !== undefined) headers.set("if-none-match", before.etag);
    const response = await sendFollowing(underneath, url, { ...init, headers });
    if (response.status === 304 && before !== undefined) {
      await response.body?.cancel();
      return new Response(before.body, {
        status: 200,
        headers: before.headers.map(([name, value]) => [name, value]),
      });
    }
    const body = await readBody(response);
    requireJson(response, body);
    if (key !== undefined && response.status === 200) remember(key, response, body);
    const bare = response.status === 204 || response.status === 304 || response.status === 205;
    return new Response(bare ? null : body, { status: response.status, headers: response.headers });
  };
}
