// A fetch-like function as the way out of workflow executions, for worlds without a network.
import type { Exchange } from "../../shared/adapters/local/executions-http.ts";

/** An exchange over `fetch`; what a failed fetch hides in its cause is what went wrong. */
export function exchangeByFetch(fetch: (url: string, init: RequestInit) => Promise<Response>): Exchange {
  return async ({ url, method, headers, body }, { signal }) => {
    const init = { method, headers, signal, ...(body === undefined ? {} : { body: new Uint8Array(body) }) };
    try {
      const response = await fetch(url, init);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return {
        statusCode: response.status,
        headers: Object.fromEntries(response.headers),
        body: (async function* () {
          yield bytes;
        })(),
      };
    } catch (error) {
      throw error instanceof TypeError && error.cause !== undefined ? error.cause : error;
    }
  };
}
