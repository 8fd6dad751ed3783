// What this process does, as metrics: requests, memory, event loop. They begin at 0 with every start.
import type { Metric } from "../../../shared/domain/metrics-text.ts";
import type { ProcessFigures } from "../../../shared/runtime/process-figures.ts";
import type { RequestCount } from "../../../shared/runtime/request-counts.ts";
import { pathTemplate } from "../openapi/path-template.ts";

/** Label of requests that no route matched: their paths are anyone's choice, and would make series without end. */
const UNMATCHED = "unmatched";

const routeOf = ({ route }: RequestCount): string =>
  route === undefined ? UNMATCHED : pathTemplate(route).path;

/** Requests by method, route and status, and their durations by route. */
export function requestMetrics(counts: readonly RequestCount[]): readonly Metric[] {
  const byRoute = Map.groupBy(counts, (each) => `${each.method} ${routeOf(each)}`);
  return [
    {
      name: "signalbox_http_requests_total",
      type: "counter",
      help: "Requests that were answered, by method, route and status.",
      samples: counts.map((each) => ({
        labels: { method: each.method, route: routeOf(each), status: String(each.status) },
        value: each.count,
      })),
    },
    {
      name: "signalbox_http_request_duration_seconds",
      type: "summary",
      help: "From the head of a request to the end of its answer.",
      samples: [...byRoute.values()].flatMap((its) => {
        const [first] = its;
        if (first === undefined) return [];
        const labels = { method: first.method, route: routeOf(first) };
        const seconds = its.reduce((sum, each) => sum + each.seconds, 0);
        const count = its.reduce((sum, each) => sum + each.count, 0);
        return [
          { labels, part: "sum" as const, value: seconds },
          { labels, part: "count" as const, value: count },
        ];
      }),
    },
  ];
}

/** Metrics of the process, under the names that Prometheus' client libraries give them. */
export function processMetrics(figures: ProcessFigures): readonly Metric[] {
  const { median, p99, max } = figures.loopDelaySeconds;
  const one = (name: string, type: Metric["type"], help: string, value: number): Metric => ({
    name,
    type,
    help,
    samples: [{ labels: {}, value }],
  });
  return [
    one("process_start_time_seconds", "gauge", "Start of this process, Unix time.", figures.startSeconds),
    one("process_cpu_seconds_total", "counter", "Processor time that was used.", figures.cpuSeconds),
    one("process_resident_memory_bytes", "gauge", "Memory that is held.", figures.residentBytes),
    one("nodejs_heap_size_used_bytes", "gauge", "Heap of JavaScript that is used.", figures.heapUsedBytes),
    one("nodejs_external_memory_bytes", "gauge", "Memory outside the heap.", figures.externalBytes),
    one(
      "nodejs_eventloop_lag_p50_seconds",
      "gauge",
      "Median lateness of the event loop since the last scrape.",
      median,
    ),
    one("nodejs_eventloop_lag_p99_seconds", "gauge", "99th percentile of the same.", p99),
    one("nodejs_eventloop_lag_max_seconds", "gauge", "The latest of the same.", max),
  ];
}
