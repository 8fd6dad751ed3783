// Requests at a steady rate through the gateway, each kept: when it began, who answered, and how.
import { Pool } from "undici";

/** One request. */
export interface LiveRequest {
  /** `performance.now()` when it was sent. */
  readonly begunMs: number;
  /** 0: there was no answer at all. */
  readonly status: number;
  /** Name of the version that answered; empty when the gateway itself did. */
  readonly version: string;
  /** Why the gateway answered itself. */
  readonly reason: string;
}

/** Requests that go on until they are stopped. */
export interface LiveRequests {
  /** Answered requests since the start, or since the last `forget`. */
  readonly answered: readonly LiveRequest[];
  forget(): void;
  /** Stops and waits for the answers under way. */
  stop(): Promise<void>;
}

const TICK_MS = 20;
const IN_FLIGHT_MAX = 400;
const REQUEST_TIMEOUT_MS = 10_000;

/** Sends `perSecond` requests a second to an endpoint of the gateway. */
export function startLiveRequests(gatewayUrl: string, endpoint: string, perSecond: number): LiveRequests {
  const pool = new Pool(gatewayUrl, {
    connections: 32,
    headersTimeout: REQUEST_TIMEOUT_MS,
    bodyTimeout: REQUEST_TIMEOUT_MS,
  });
  const answered: LiveRequest[] = [];
  const underWay = new Set<Promise<void>>();
  let owed = 0;
  let last = performance.now();

  const send = async (): Promise<void> => {
    const begunMs = performance.now();
    try {
      const { statusCode, headers, body } = await pool.request({
        method: "GET",
        path: `/${endpoint}/v1/predict`,
      });
      await body.dump();
      answered.push({
        begunMs,
        status: statusCode,
        version: String(headers["x-signalbox-version"] ?? ""),
        reason: String(headers["x-signalbox-reason"] ?? ""),
      });
    } catch (error) {
      answered.push({ begunMs, status: 0, version: "", reason: String(error) });
    }
  };
  const timer = setInterval(() => {
    const now = performance.now();
    owed += ((now - last) / 1000) * perSecond;
    last = now;
    for (; owed >= 1; owed--) {
      if (underWay.size >= IN_FLIGHT_MAX) continue;
      const request = send().finally(() => underWay.delete(request));
      underWay.add(request);
    }
  }, TICK_MS);

  return {
    answered,
    forget: () => void answered.splice(0),
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      await pool.close();
    },
  };
}

/** Requests that were not answered with success. */
export function failedRequests(requests: readonly LiveRequest[]): readonly LiveRequest[] {
  return requests.filter(({ status }) => status < 200 || status >= 300);
}
