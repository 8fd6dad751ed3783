// What the gateway does with one request: metrics, a backend by weight, or a refusal that says why.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BackendStatus } from "../../ports/deploys.ts";
import type { Counters, Refusal } from "./gateway-counters.ts";
import { forward, refuse, REQUEST_BODY_BYTES_MAX, type Exchange } from "./gateway-forward.ts";
import { createPools, type Pools } from "./gateway-pools.ts";
import { choose, destinations, type Choice, type Route } from "./gateway-route.ts";

/** Requests in flight to one backend; more are refused, so that one slow version cannot take all memory. */
export const IN_FLIGHT_MAX = 2_048;

/** Where a backend listens now, and whether it can serve. */
export interface BackendAddress {
  readonly state: BackendStatus["state"];
  readonly origin?: string;
}

/** The endpoints that the gateway knows. */
export interface Routes {
  readonly byEndpoint: Map<string, Route>;
  /** Endpoints whose document is damaged. */
  readonly unreadable: Set<string>;
}

/** What the handler is made from. */
export interface HandlerParts {
  readonly routes: Routes;
  readonly backends: (backend: string) => BackendAddress;
  readonly counters: Counters;
  readonly random: () => number;
  /** Called when a request to a backend has ended. */
  readonly settled: () => void;
}

/** States in which a backend has not served since this process began: the platform is not ready, the version is not at fault. */
const STARTING: ReadonlySet<BackendStatus["state"]> = new Set(["unknown", "preparing"]);

const REFUSALS: Readonly<Record<Refusal, { readonly status: number; readonly message: string }>> = {
  "no-version": { status: 503, message: "No model version serves this endpoint yet." },
  "not-ready": { status: 503, message: "The model server is starting." },
  "backend-unavailable": { status: 503, message: "The model server does not run, or has too much to do." },
  "traffic-unreadable": { status: 503, message: "The traffic document of this endpoint is damaged." },
  "no-endpoint": {
    status: 404,
    message: "Call /{team}/{endpoint}/… or, for the default team, /{endpoint}/….",
  },
  "too-large": {
    status: 413,
    message: `The body is larger than ${REQUEST_BODY_BYTES_MAX} bytes: send less at once.`,
  },
};

/** The way of requests through the gateway. */
export interface Handler {
  /** The request listener. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** The connections to backends. */
  readonly pools: Pools;
}

/** What a request needs on its way. */
type Parts = HandlerParts & { readonly pools: Pools };

type Pair = Pick<Exchange, "request" | "response">;

/** Sends the request to the chosen backend. A backend that ran and does not run now counts as its error. */
function serve(parts: Parts, pair: Pair, route: Route, choice: Choice, path: string): Refusal | undefined {
  const { counters, pools, settled } = parts;
  const { backend, version } = choice;
  const { state, origin } = parts.backends(backend);
  if (STARTING.has(state)) return "not-ready";
  const begun = performance.now();
  const end = counters.begin({ endpoint: route.endpoint, backend, version });
  const ended = (error: boolean): void => {
    end({ error, seconds: (performance.now() - begun) / 1_000 });
    settled();
  };
  if (state === "ready" && origin !== undefined && counters.inFlight(backend) <= IN_FLIGHT_MAX) {
    forward(pools.get(backend, origin), { ...pair, path, version }, ended);
    return undefined;
  }
  pair.response.once("close", () => ended(true));
  return "backend-unavailable";
}

/** Finds route and backend; answers why there is none. */
function dispatch(
  parts: Parts,
  pair: Pair,
): { readonly refusal: Refusal | undefined; readonly version?: string } {
  const meant = destinations(pair.request.url ?? "/");
  if (meant.length === 0) return { refusal: "no-endpoint" };
  if (Number(pair.request.headers["content-length"] ?? 0) > REQUEST_BODY_BYTES_MAX)
    return { refusal: "too-large" };
  for (const { endpoint, path } of meant) {
    if (parts.routes.unreadable.has(endpoint)) return { refusal: "traffic-unreadable" };
    const route = parts.routes.byEndpoint.get(endpoint);
    if (route === undefined) continue;
    const choice = choose(route.choices, parts.random);
    if (choice === undefined) return { refusal: "no-version" };
    return { refusal: serve(parts, pair, route, choice, path), version: choice.version };
  }
  return { refusal: "no-version" };
}

/** A handler without connections yet. It brings undici with it, so it is loaded once the gateway listens. */
export function createHandler(made: HandlerParts): Handler {
  const pools = createPools();
  const parts = { ...made, pools };
  return {
    pools,
    handle(request, response) {
      // A caller that breaks off is seen by the response's close; without a listener the event would end the process.
      request.on("error", () => undefined);
      if (request.url === "/metrics") {
        response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
        response.end(parts.counters.text());
        return;
      }
      const { refusal, version } = dispatch(parts, { request, response });
      if (refusal === undefined) return;
      parts.counters.refuse(refusal);
      const text = { reason: refusal, ...REFUSALS[refusal] };
      refuse({ request, response }, version === undefined ? text : { ...text, version });
    },
  };
}
