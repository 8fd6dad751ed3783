// Users' requests to the endpoint by the weights as they are, counted as a gateway counts, and read as a scraper reads.
import type { CounterSample, Metrics } from "../../shared/ports/metrics.ts";

interface Counter {
  requests: number;
  errors: number;
}

/** Counters of one gateway that may restart, and the readings that were taken of them. */
export function createCounters(endpoint: string) {
  const samples: CounterSample[] = [];
  /** Every series that was ever read. */
  const known = new Set<string>();
  let counters = new Map<string, Counter>();
  let instances = 1;
  const metrics: Metrics = {
    async samples(of, from, to) {
      if (of !== endpoint) return [];
      const found: CounterSample[] = [];
      const before = new Map<string, CounterSample>();
      // From the newest back: what is older than the last reading of every series before the range is of no interest.
      for (let at = samples.length - 1; at >= 0 && before.size < known.size; at--) {
        const sample = samples[at];
        if (sample === undefined || sample.time > to) continue;
        if (sample.time >= from) found.push(sample);
        else if (!before.has(sample.backend)) before.set(sample.backend, sample);
      }
      const [earlier, within] = [[...before.values()].toReversed(), found.toReversed()];
      return [...earlier, ...within];
    },
  };
  return {
    metrics,
    set(backend: string, counter: Counter): void {
      counters.set(backend, counter);
    },
    add(backend: string, { requests, errors }: Counter): void {
      const before = counters.get(backend) ?? { requests: 0, errors: 0 };
      counters.set(backend, { requests: before.requests + requests, errors: before.errors + errors });
    },
    /** The gateway starts anew, without any series. */
    restart(): void {
      counters = new Map();
      instances += 1;
    },
    /** Takes one reading; a series that is gone is read as 0. */
    scrape(time: string): void {
      for (const backend of counters.keys()) known.add(backend);
      for (const backend of known) {
        const { requests, errors } = counters.get(backend) ?? { requests: 0, errors: 0 };
        samples.push({ time, backend, instance: `gateway-${instances}`, requests, errors });
      }
    },
  };
}

/** How a version answers. */
export interface Answering {
  /** Whether anybody is there at all. */
  readonly ready: boolean;
  /** Share of its requests that it fails. */
  readonly errorRate: number;
}

/** Requests to the endpoint, so many a second, in whole numbers and without chance. */
export function createUsers(
  counters: ReturnType<typeof createCounters>,
  answering: (backend: string) => Answering,
  requestsPerSecond: number,
) {
  const owed = new Map<string, number>();
  return {
    /** The requests of a while. */
    pass(seconds: number, weights: Readonly<Record<string, number>>): void {
      for (const [backend, percent] of Object.entries(weights)) {
        const requests = Math.round((requestsPerSecond * seconds * percent) / 100);
        const { ready, errorRate } = answering(backend);
        const failing = (owed.get(backend) ?? 0) + requests * (ready ? errorRate : 1);
        owed.set(backend, failing % 1);
        counters.add(backend, { requests, errors: Math.floor(failing) });
      }
    },
  };
}
