// The gateway's counters as Prometheus text (exposition format 0.0.4).

/** Upper bounds of the duration buckets in seconds. */
export const DURATION_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60] as const;

/** Whose request it is. */
export interface Series {
  readonly endpoint: string;
  readonly backend: string;
  readonly version: string;
}

/** The counters of one backend. */
export interface Counts {
  requests: number;
  errors: number;
  inFlight: number;
  seconds: number;
  /** Requests by the bucket that their duration fell into; not cumulative. */
  readonly buckets: number[];
}

/** What is exposed. */
export interface Exposed {
  /** Changes with every start, when all counters begin at 0 again. */
  readonly instance: string;
  /** Unix time of the start. */
  readonly startSeconds: number;
  readonly series: readonly (readonly [Series, Readonly<Counts>])[];
  readonly refusals: ReadonlyMap<string, number>;
}

const PREFIX = "signalbox_gateway";

const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));

const labelsOf = ({ endpoint, backend, version }: Series): string =>
  `endpoint="${escaped(endpoint)}",backend="${escaped(backend)}",version="${escaped(version)}"`;

/** A metric with its help and type, and its lines. */
function metric(name: string, type: string, help: string, lines: readonly string[]): string {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ""].join("\n");
}

/** A metric with one value per backend. */
function perBackend(
  exposed: Exposed,
  name: string,
  type: string,
  help: string,
  value: (counts: Counts) => number,
): string {
  const lines = exposed.series.map(
    ([series, counts]) => `${PREFIX}_${name}{${labelsOf(series)}} ${value(counts)}`,
  );
  return metric(`${PREFIX}_${name}`, type, help, lines);
}

function durationLines(name: string, series: Series, counts: Counts): readonly string[] {
  const labels = labelsOf(series);
  let below = 0;
  const buckets = DURATION_BUCKETS_SECONDS.map((bound, index) => {
    below += counts.buckets[index] ?? 0;
    return `${name}_bucket{${labels},le="${bound}"} ${below}`;
  });
  return [
    ...buckets,
    `${name}_bucket{${labels},le="+Inf"} ${counts.requests}`,
    `${name}_sum{${labels}} ${counts.seconds}`,
    `${name}_count{${labels}} ${counts.requests}`,
  ];
}

/** All metrics of a gateway. */
export function exposition(exposed: Exposed): string {
  const { instance, startSeconds, series, refusals } = exposed;
  const started = "process_start_time_seconds";
  const duration = `${PREFIX}_request_duration_seconds`;
  const refused = [...refusals].map(
    ([reason, count]) => `${PREFIX}_refused_total{reason="${reason}"} ${count}`,
  );
  return [
    metric(started, "gauge", "Start of this instance, Unix time.", [`${started} ${startSeconds}`]),
    metric(`${PREFIX}_info`, "gauge", "Identity of this instance, whose counters began at 0.", [
      `${PREFIX}_info{instance="${escaped(instance)}"} 1`,
    ]),
    perBackend(
      exposed,
      "requests_total",
      "counter",
      "Requests that have ended.",
      (counts) => counts.requests,
    ),
    perBackend(
      exposed,
      "request_errors_total",
      "counter",
      "Requests that ended in a 5xx or a connection failure of the backend.",
      (counts) => counts.errors,
    ),
    perBackend(
      exposed,
      "requests_in_flight",
      "gauge",
      "Requests that have not ended.",
      (counts) => counts.inFlight,
    ),
    metric(
      duration,
      "histogram",
      "From a request's head to the end of its response.",
      series.flatMap(([one, counts]) => durationLines(duration, one, counts)),
    ),
    metric(`${PREFIX}_refused_total`, "counter", "Requests that the gateway answered by itself.", refused),
  ].join("");
}
