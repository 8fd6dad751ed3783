// What the gateway counts, per backend.
import { DURATION_BUCKETS_SECONDS, exposition, type Counts, type Series } from "./gateway-exposition.ts";

/** Why the gateway refused a request itself. */
export const REFUSALS = [
  "no-version",
  "not-ready",
  "backend-unavailable",
  "traffic-unreadable",
  "no-endpoint",
  "too-large",
] as const;

/** A reason of `REFUSALS`. */
export type Refusal = (typeof REFUSALS)[number];

/** How a request ended: `error` is a 5xx or a connection failure of the backend. */
export interface Ended {
  readonly error: boolean;
  readonly seconds: number;
}

/** Counters of one gateway. All start at 0 with the instance. */
export interface Counters {
  /** Makes the series exist at 0, so that no traffic and no scrape can be told apart. */
  know(series: Series): void;
  /** A request begins; the answer ends it, once. */
  begin(series: Series): (ended: Ended) => void;
  inFlight(backend: string): number;
  /** The gateway answered by itself. */
  refuse(reason: Refusal): void;
  /** Prometheus text. */
  text(): string;
}

function finish(counts: Counts, { error, seconds }: Ended): void {
  counts.inFlight -= 1;
  counts.requests += 1;
  if (error) counts.errors += 1;
  counts.seconds += seconds;
  const bucket = DURATION_BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
  if (bucket >= 0) counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
}

/** Counters at 0. `instance` names this start of the gateway; `startSeconds` is its Unix time. */
export function createCounters(instance: string, startSeconds: number): Counters {
  const known = new Map<string, readonly [Series, Counts]>();
  const refusals = new Map<Refusal, number>(REFUSALS.map((reason) => [reason, 0]));

  function countsOf(series: Series): Counts {
    const found = known.get(series.backend);
    if (found !== undefined) return found[1];
    const buckets = DURATION_BUCKETS_SECONDS.map(() => 0);
    const counts: Counts = { requests: 0, errors: 0, inFlight: 0, seconds: 0, buckets };
    known.set(series.backend, [series, counts]);
    return counts;
  }

  return {
    know: (series) => void countsOf(series),
    begin(series) {
      const counts = countsOf(series);
      counts.inFlight += 1;
      let open = true;
      return (ended) => {
        if (open) finish(counts, ended);
        open = false;
      };
    },
    inFlight: (backend) => known.get(backend)?.[1].inFlight ?? 0,
    refuse: (reason) => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1),
    text: () => exposition({ instance, startSeconds, series: [...known.values()], refusals }),
  };
}
