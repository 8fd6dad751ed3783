// One request to a JSON API of Google, for APIs of which we need so little that their libraries cost more than they give (decision 0034).
import { failedPrecondition } from "../../domain/errors.ts";
import { googleError } from "./errors.ts";
import { type Call, type Calls, GOOGLE_CALL_TIMEOUT_MS } from "./calls.ts";

/** One request. */
export interface RestRequest extends Call {
  readonly verb: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Bytes of the answer that are read; more is an error. */
  readonly bytesMax: number;
  /** Statuses besides 2xx that are an answer, not an error. */
  readonly expected?: readonly number[];
}

/** An answer, read. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Makes requests. Whatever it throws is of our table. */
export type Rest = (request: RestRequest) => Promise<RestAnswer>;

/** What requests are made with. */
export interface RestOptions {
  readonly calls: Calls;
  /** The access token of this process; it is asked for with every request and kept by whoever gives it. */
  readonly accessToken: () => Promise<string>;
}

async function bodyOf(response: Response, { bytesMax, doing, resource }: RestRequest): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes > bytesMax) {
      const message = `${doing} failed: the answer has more than the ${bytesMax} bytes that are read. Look at what lies there.`;
      throw failedPrecondition("ANSWER_TOO_LARGE", message, { resource, bytesMax: String(bytesMax) });
    }
    chunks.push(chunk as Uint8Array);
  }
  return Buffer.concat(chunks, bytes);
}

/** What Google says in an error's body; text of a proxy in between is not ours to read. */
function errorData(body: Buffer): { readonly error?: { readonly message?: unknown } } | undefined {
  try {
    const data: unknown = JSON.parse(body.toString("utf8"));
    return typeof data === "object" && data !== null ? data : undefined;
  } catch {
    return undefined;
  }
}

/** The reason of a failed fetch lies one deeper: `fetch failed` says nothing. */
function reasonOf(error: unknown): unknown {
  const { name, cause } = error instanceof Error ? error : { name: "", cause: undefined };
  return name === "TypeError" && cause !== undefined ? cause : error;
}

/** Requests with these options, each made once. */
export function createRest({ calls, accessToken }: RestOptions): Rest {
  return (request) =>
    calls(request, async () => {
      const { verb, url, headers = {}, body, expected = [], doing, resource } = request;
      const { timeoutMs = GOOGLE_CALL_TIMEOUT_MS } = request;
      const token = await accessToken();
      let response: Response;
      let answer: Buffer;
      try {
        response = await fetch(url, {
          method: verb,
          headers: { authorization: `Bearer ${token}`, ...headers },
          // Nobody is followed: a token goes to the host that it is for. (308 is how an upload says "go on", without a place.)
          redirect: "manual",
          signal: AbortSignal.timeout(timeoutMs),
          ...(body === undefined ? {} : { body: body as NonNullable<RequestInit["body"]> }),
        });
        answer = await bodyOf(response, request);
      } catch (error) {
        throw googleError(doing, resource, reasonOf(error));
      }
      const { status } = response;
      if (response.ok || expected.includes(status))
        return { status, headers: response.headers, body: answer };
      const data = errorData(answer);
      const said = data?.error?.message;
      const message = typeof said === "string" ? said : `It answered ${status}`;
      throw googleError(doing, resource, { message, response: { status, data } });
    });
}
