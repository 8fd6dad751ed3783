// Request counters from a Prometheus HTTP API, as they were scraped: raw samples by instant queries of range selectors. Growth is the
// judge's to compute: Managed Service for Prometheus and Prometheus disagree about `rate`, `increase` and staleness.
import { failedPrecondition, invalidArgument } from "../../domain/errors.ts";
import { requireName } from "../../domain/names.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CounterSample, Metrics } from "../../ports/metrics.ts";
import type { PrometheusClient, PrometheusSeries } from "./metrics-client.ts";
import { samplesOf } from "./metrics-samples.ts";

/** Length of what one query asks for; a longer range is asked in pieces. */
export const QUERY_RANGE_MS = 12 * 3_600_000;
/** How old samples can be: the longest time limit of a rollout, which is 7 days, and a day more. */
export const METRICS_RETENTION_MS = 8 * 86_400_000;
/** How far before a range the last sample before it is looked for. */
export const LOOK_BACK_MS = 300_000;

/** Which series count the requests of backends. All of them, and `up`, bear the labels of their target. */
export interface CounterNames {
  readonly requests: string;
  readonly errors: string;
  /** The labels with the ids of the endpoint's team and of the endpoint: its name has slashes, which no label of a pod may have. */
  readonly team: string;
  readonly endpoint: string;
  /** The label with the backend's name; on `up` only where a process counts for one backend alone. */
  readonly backend: string;
  /** Labels that tell one counting process from another. */
  readonly instance: readonly string[];
}

/**
 * What a model server counts, with the labels that deploy/kubernetes/monitoring.yaml takes from its pod and those that Managed Service
 * for Prometheus adds to every target.
 */
export const COUNTER_NAMES: CounterNames = {
  requests: "signalbox_requests_total",
  errors: "signalbox_request_errors_total",
  team: "team",
  endpoint: "endpoint",
  backend: "backend",
  instance: ["namespace", "job", "instance"],
};

/** What the adapter is made of. */
export interface PrometheusMetricsOptions {
  readonly query: PrometheusClient;
  readonly clock: Clock;
  readonly names?: CounterNames;
}

const IDENTIFIER = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

// Exact names only: Managed Service for Prometheus matches metric names in no other way.
function requireIdentifiers({ requests, errors, team, endpoint, backend, instance }: CounterNames): void {
  for (const name of [requests, errors, team, endpoint, backend, ...instance]) {
    if (IDENTIFIER.test(name)) continue;
    throw failedPrecondition(
      "COUNTER_NAME_INVALID",
      `${JSON.stringify(name)} cannot name a series or a label of Prometheus.`,
    );
  }
}

function requireTime(field: string, time: string): number {
  const ms = Date.parse(time);
  if (Number.isFinite(ms)) return ms;
  throw invalidArgument(field, `${JSON.stringify(time.slice(0, 60))} is not a time: write it as RFC 3339.`);
}

/** Samples of the series behind `query`. */
export function createMetrics({ query, clock, names = COUNTER_NAMES }: PrometheusMetricsOptions): Metrics {
  requireIdentifiers(names);

  /** All samples of one metric from `fromMs` to `toMs`; pieces meet, and what both have counts once. */
  async function read(
    metric: string,
    labels: string,
    fromMs: number,
    toMs: number,
  ): Promise<readonly PrometheusSeries[]> {
    const found: PrometheusSeries[] = [];
    for (let endMs = toMs; endMs > fromMs; endMs -= QUERY_RANGE_MS) {
      const lengthMs = Math.min(QUERY_RANGE_MS, endMs - fromMs);
      // A second more, since older servers take the edge in and newer ones leave it out.
      const selector = `${metric}{${labels}}[${Math.ceil(lengthMs / 1_000) + 1}s]`;
      found.push(...(await query(selector, endMs)));
    }
    return found;
  }

  return {
    async samples(endpoint, from, to): Promise<readonly CounterSample[]> {
      const { team, endpoint: id } = requireName("endpoint", endpoint, "endpoint");
      const labels = `${names.team}="${team}",${names.endpoint}="${id}"`;
      const nowMs = clock.now().getTime();
      // Exporters' clocks may run before ours.
      const toMs = Math.min(requireTime("to", to), nowMs + LOOK_BACK_MS);
      const fromMs = Math.max(requireTime("from", from), nowMs - METRICS_RETENTION_MS);
      if (fromMs > toMs) return [];
      const startMs = fromMs - LOOK_BACK_MS;
      const [requests, errors, up] = await Promise.all(
        [names.requests, names.errors, "up"].map((metric) => read(metric, labels, startMs, toMs)),
      );
      return samplesOf({ requests: requests ?? [], errors: errors ?? [], up: up ?? [] }, names, {
        startMs,
        fromMs,
        toMs,
      });
    },
  };
}
