// Live requests against the gateway at a steady rate, counted by the version that answered.
import { Pool } from "undici";

/** What a span of traffic saw. */
export interface TrafficCount {
  readonly requests: number;
  readonly failed: number;
  /** Version id (from `x-signalbox-version`) → requests and failures. */
  readonly byVersion: ReadonlyMap<string, { readonly requests: number; readonly failed: number }>;
}

/** Traffic that runs until it is stopped. */
export interface LiveTraffic {
  /** Counts since the last call of `take`. */
  take(): TrafficCount;
  stop(): Promise<void>;
}

const TICK_MS = 20;
const IN_FLIGHT_MAX = 400;
const REQUEST_TIMEOUT_MS = 5_000;

/** Sends `perSecond` requests a second to one endpoint; a response of 500 or more, or none at all, is a failure. */
export function startTraffic(gatewayUrl: string, path: string, perSecond: number): LiveTraffic {
  const pool = new Pool(gatewayUrl, {
    connections: 32,
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
  });
  let byVersion = new Map<string, { requests: number; failed: number }>();
  let inFlight = 0;
  let owed = 0;
  let last = performance.now();

  const count = (version: string, failed: boolean): void => {
    const known = byVersion.get(version) ?? { requests: 0, failed: 0 };
    byVersion.set(version, { requests: known.requests + 1, failed: known.failed + (failed ? 1 : 0) });
  };
  const send = async (): Promise<void> => {
    inFlight++;
    try {
      const response = await pool.request({ method: "GET", path });
      await response.body.dump();
      count(String(response.headers["x-signalbox-version"] ?? "none"), response.statusCode >= 500);
    } catch {
      count("none", true);
    } finally {
      inFlight--;
    }
  };
  const timer = setInterval(() => {
    const now = performance.now();
    owed += ((now - last) / 1000) * perSecond;
    last = now;
    for (; owed >= 1; owed--) if (inFlight < IN_FLIGHT_MAX) void send();
  }, TICK_MS);

  return {
    take: () => {
      const taken = byVersion;
      byVersion = new Map();
      const all = [...taken.values()];
      return {
        requests: all.reduce((sum, { requests }) => sum + requests, 0),
        failed: all.reduce((sum, { failed }) => sum + failed, 0),
        byVersion: taken,
      };
    },
    stop: async () => {
      clearInterval(timer);
      await pool.close();
    },
  };
}
