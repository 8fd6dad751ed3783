// Counter samples, scraped from the gateway's Prometheus text into the database.
import type { Clock } from "../../ports/clock.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Database } from "./database.ts";
import { EXPOSITION_BYTES_MAX, parseExposition, type ExposedSample } from "./metrics-exposition.ts";
import { createMetricsStore, type Counted, type Gap } from "./metrics-store.ts";

/** How long one scrape may take. */
export const SCRAPE_TIMEOUT_MS = 2_000;
/** How long samples are kept: the longest time limit of a rollout, which is 7 days, and a day more. */
export const RETENTION_MS = 8 * 86_400_000;
/** Old samples are forgotten once in so many scrapes, the first one included. */
export const SCRAPES_PER_SWEEP = 600;

/** What became of a scrape. */
export type Scrape =
  | { readonly kind: "scraped"; readonly time: string; readonly samples: number }
  | { readonly kind: "failed"; readonly time: string; readonly reason: string };

/** What the adapter is made of. */
export interface LocalMetricsOptions {
  /** Reaches the gateway; default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  readonly database: Database;
  readonly clock: Clock;
  /** The gateway's base URL; it may change while we run. */
  readonly gateway: () => string;
  readonly retentionMs?: number;
}

/** Samples on this machine. */
export interface LocalMetrics extends Metrics {
  /** Scrapes once. A gateway that does not answer is kept as a gap and answered, not thrown; a database that fails throws. */
  scrape(): Promise<Scrape>;
  /**
   * Scrapes every `intervalMs` until the answer is called, which resolves when no scrape runs any more. A scrape that throws
   * is told to `failed` and the next one follows.
   */
  start(intervalMs: number, failed: (error: unknown) => void): () => Promise<void>;
  /** Scrapes that failed in a range, oldest first. */
  gaps(from: string, to: string): Promise<readonly Gap[]>;
}

interface Counters {
  readonly instance: string;
  readonly counted: readonly Counted[];
}

/** The request counters of every backend, or undefined when the samples are not those of a gateway. */
function countersOf(samples: readonly ExposedSample[]): Counters | undefined {
  const of = (name: string) => samples.filter((sample) => sample.name === `signalbox_gateway_${name}`);
  const instance = of("info")[0]?.labels["instance"];
  if (instance === undefined) return undefined;
  const errors = new Map(of("request_errors_total").map(({ labels, value }) => [labels["backend"], value]));
  const counted = of("requests_total").map(({ labels, value }) => ({
    endpoint: labels["endpoint"] ?? "",
    backend: labels["backend"] ?? "",
    requests: value,
    errors: errors.get(labels["backend"]) ?? 0,
  }));
  return { instance, counted };
}

/** What the gateway says now, or why it is unknown. */
async function readGateway(
  url: string,
  fetch: typeof globalThis.fetch,
): Promise<Counters | { readonly reason: string }> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) });
    const text = await response.text();
    if (!response.ok) return { reason: `The gateway answered ${response.status}.` };
    if (text.length > EXPOSITION_BYTES_MAX)
      return { reason: `The gateway answered more than ${EXPOSITION_BYTES_MAX} bytes.` };
    const samples = parseExposition(text);
    const counters = samples === undefined ? undefined : countersOf(samples);
    return counters ?? { reason: "The answer is not that of a gateway." };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Samples in `database`, scraped from `gateway()`. */
export function createMetrics({
  database,
  clock,
  gateway,
  fetch = globalThis.fetch,
  retentionMs = RETENTION_MS,
}: LocalMetricsOptions): LocalMetrics {
  const store = createMetricsStore(database);
  let scrapes = 0;

  async function scrape(): Promise<Scrape> {
    const now = clock.now();
    const time = now.toISOString();
    if (scrapes % SCRAPES_PER_SWEEP === 0)
      await store.forget(new Date(now.getTime() - retentionMs).toISOString());
    scrapes += 1;
    const read = await readGateway(gateway(), fetch);
    if ("reason" in read) {
      await store.keepGap({ time, reason: read.reason });
      return { kind: "failed", time, reason: read.reason };
    }
    return { kind: "scraped", time, samples: await store.keep(time, read.instance, read.counted) };
  }

  return {
    scrape,
    start(intervalMs, failed) {
      const stop = new AbortController();
      const loop = async (): Promise<void> => {
        while (!stop.signal.aborted) {
          await scrape().catch(failed);
          await clock.sleep(intervalMs, stop.signal);
        }
      };
      const done = loop();
      return () => {
        stop.abort();
        return done;
      };
    },
    samples: async (endpoint, from, to) => store.samples(endpoint, from, to),
    gaps: async (from, to) => store.gaps(from, to),
  };
}
