// Asks a model server whether it is ready.
import { request } from "node:http";

/** What the server said: ready (2xx), not ready (any other answer), gone (nobody listens), or nothing in time. */
export type ProbeAnswer = "ready" | "not-ready" | "gone" | "silent";

/** One GET of the readiness path, on a connection of its own. */
export function probe(origin: string, path: string, timeoutMs: number): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(Math.max(1, timeoutMs));
    const call = request(`${origin}${path.startsWith("/") ? path : `/${path}`}`, { agent: false, signal });
    call.on("response", (response) => {
      const status = response.statusCode ?? 0;
      response.on("error", () => undefined);
      response.destroy();
      resolve(status >= 200 && status < 300 ? "ready" : "not-ready");
    });
    call.on("error", () => resolve(signal.aborted ? "silent" : "gone"));
    call.end();
  });
}
