// The gateway in front of the model servers of one machine: weights per request, counters per version, graceful drain.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { TrafficDocument } from "../../domain/traffic.ts";
import type { Clock } from "../../ports/clock.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import type { Tls } from "../../runtime/tls.ts";
import { createCounters } from "./gateway-counters.ts";
import type { BackendAddress, Handler, HandlerParts, Routes } from "./gateway-handler.ts";
import { routeOf } from "./gateway-route.ts";
import type { LocalTraffic } from "./traffic.ts";

/** Connections of callers. */
export const CALLER_CONNECTIONS_MAX = 4_096;
/** How long a caller may take to send a request's head. */
export const HEAD_TIMEOUT_MS = 10_000;
/** How long a caller may take to send a whole request. */
export const REQUEST_TIMEOUT_MS = 300_000;
/** How long a caller's connection may be silent, above all limits on the backend's side. */
export const CALLER_SILENCE_MS = 120_000;
/** How often idle connections are looked for while the gateway closes. */
const CLOSING_SWEEP_MS = 100;

/** What the gateway needs. */
export interface GatewayPorts {
  readonly traffic: Pick<LocalTraffic, "read" | "list" | "onChange">;
  /** Asked for every request, so it answers from memory. */
  readonly backends: (backend: string) => BackendAddress;
  readonly clock: Clock;
  /** Serves over TLS instead of in the open. */
  readonly tls?: Tls | undefined;
}

/** A gateway. */
export interface Gateway {
  /** Reads all traffic documents and listens; port 0 takes a free one. Answers the base URL. A port that is taken rejects with EADDRINUSE: call again with another. */
  listen(port: number, host?: string): Promise<string>;
  /** Prometheus text, as at `/metrics`. */
  metrics(): string;
  inFlight(backend: string): number;
  /** Resolves true once the backend has weight 0 and nothing in flight, false after `timeoutMs`. */
  drained(backend: string, timeoutMs: number): Promise<boolean>;
  /** Takes no more connections, lets requests in flight end for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** Reads every document; one that is damaged is answered with 503 and never stops the others. */
async function readRoutes(
  { traffic }: GatewayPorts,
  routes: Routes,
  adopt: (endpoint: string, document: TrafficDocument) => void,
): Promise<void> {
  for (const endpoint of await traffic.list()) {
    try {
      const document = await traffic.read(endpoint);
      if (document !== undefined) adopt(endpoint, document);
    } catch (error) {
      if (!(error instanceof ControlPlaneError) || error.reason !== "TRAFFIC_DOCUMENT_CORRUPT") throw error;
      routes.unreadable.add(endpoint);
    }
  }
}

function createLimitedServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  tls: Tls | undefined,
): Server {
  const limits = { headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
  const server =
    tls === undefined
      ? createServer(limits, handler)
      : createSecureServer({ ...limits, ...tls.options() }, handler);
  tls?.attach(server);
  server.maxConnections = CALLER_CONNECTIONS_MAX;
  server.setTimeout(CALLER_SILENCE_MS);
  // A connection that could not be accepted (too many open files) harms its caller only; a port that is taken is told by listen.
  server.on("error", () => undefined);
  return server;
}

/** Loads the handler with the first request, because it brings undici; the counters are scraped a moment after the start anyway. */
function openHandler(parts: HandlerParts) {
  let ready: Handler | undefined;
  const open = openedOnce(async () => {
    const { createHandler } = await import("./gateway-handler.ts");
    return (ready = createHandler(parts));
  });
  return {
    pools: () => ready?.pools,
    handle(request: IncomingMessage, response: ServerResponse): void {
      if (ready !== undefined) return ready.handle(request, response);
      request.on("error", () => undefined);
      void open().then(({ handle }) => {
        // Whoever went away meanwhile is not counted.
        if (!response.destroyed) handle(request, response);
      });
    },
  };
}

/**
 * A gateway that sends requests of `/{team}/{endpoint}/…` (and `/{endpoint}/…` for the default team) to backends by the
 * weights of the traffic documents. A change of a document holds from the next request on. `random` draws the backend.
 */
export function createGateway(ports: GatewayPorts, random: () => number = Math.random): Gateway {
  const startedMs = ports.clock.now().getTime();
  const counters = createCounters(`${process.pid}-${startedMs}`, startedMs / 1_000);
  const routes: Routes = { byEndpoint: new Map(), unreadable: new Set() };
  const waiting = new Set<() => void>();
  const settled = (): void => {
    for (const look of waiting) look();
  };
  const handler = openHandler({ routes, backends: ports.backends, counters, random, settled });
  const server = createLimitedServer(handler.handle, ports.tls);
  const weighted = (): ReadonlySet<string> =>
    new Set(
      [...routes.byEndpoint.values()].flatMap((route) => route.choices.map((choice) => choice.backend)),
    );

  function adopt(endpoint: string, document: TrafficDocument): void {
    if ((routes.byEndpoint.get(endpoint)?.resourceVersion ?? 0) > document.resourceVersion) return;
    const route = routeOf(endpoint, document);
    routes.byEndpoint.set(endpoint, route);
    routes.unreadable.delete(endpoint);
    for (const { backend, version } of route.choices) counters.know({ endpoint, backend, version });
    handler.pools()?.keep(weighted());
    settled();
  }
  const stopListening = ports.traffic.onChange(adopt);

  return {
    async listen(port, host = "127.0.0.1") {
      await readRoutes(ports, routes, adopt);
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () => {
          server.off("error", reject);
          resolve();
        });
      });
      const address = server.address();
      return `${ports.tls === undefined ? "http" : "https"}://${host}:${typeof address === "object" && address !== null ? address.port : port}`;
    },
    metrics: () => counters.text(),
    inFlight: (backend) => counters.inFlight(backend),
    async drained(backend, timeoutMs) {
      const isDrained = (): boolean => !weighted().has(backend) && counters.inFlight(backend) === 0;
      const stop = new AbortController();
      const look = (): void => {
        if (isDrained()) stop.abort();
      };
      waiting.add(look);
      look();
      await ports.clock.sleep(timeoutMs, stop.signal);
      waiting.delete(look);
      return isDrained();
    },
    async close(graceMs) {
      stopListening();
      const sweep = setInterval(() => server.closeIdleConnections(), CLOSING_SWEEP_MS);
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      clearInterval(sweep);
      clearTimeout(cut);
      await handler.pools()?.destroy();
    },
  };
}
