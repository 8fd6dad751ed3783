// Series of Prometheus → counter samples of the port: one a backend, process and scrape. Pure.
import type { CounterSample } from "../../ports/metrics.ts";
import type { PrometheusSeries } from "./metrics-client.ts";
import type { CounterNames } from "./metrics.ts";

/** The series of one endpoint. */
export interface EndpointSeries {
  readonly requests: readonly PrometheusSeries[];
  readonly errors: readonly PrometheusSeries[];
  /** 1 where a scrape worked, 0 where it failed. */
  readonly up: readonly PrometheusSeries[];
}

/** What is asked for: samples from `fromMs` to `toMs`, and the last before; nothing is known of what was before `startMs`. */
export interface SampleRange {
  readonly startMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Time → value, of one backend in one process. */
type Readings = Map<number, number>;

interface Counted {
  readonly backend: string;
  readonly instance: string;
  readonly requests: Readings;
  readonly errors: Readings | undefined;
}

const instanceOf = ({ labels }: PrometheusSeries, { instance }: CounterNames): string =>
  instance.map((label) => labels[label] ?? "").join("/");

/** Adds up series that differ in other labels only, such as a method. Pieces of a range overlap: what is there twice counts once. */
function addUp(
  series: readonly PrometheusSeries[],
  names: CounterNames,
): ReadonlyMap<string, { backend: string; instance: string; readings: Readings }> {
  const seen = new Set<string>();
  const sums = new Map<string, { backend: string; instance: string; readings: Readings }>();
  for (const one of series) {
    const backend = one.labels[names.backend] ?? "";
    const instance = instanceOf(one, names);
    const key = JSON.stringify([backend, instance]);
    const sum = sums.get(key) ?? { backend, instance, readings: new Map<number, number>() };
    sums.set(key, sum);
    const identity = JSON.stringify(Object.entries(one.labels).toSorted());
    for (const { timeMs, value } of one.samples) {
      if (seen.has(`${timeMs} ${identity}`)) continue;
      seen.add(`${timeMs} ${identity}`);
      sum.readings.set(timeMs, (sum.readings.get(timeMs) ?? 0) + value);
    }
  }
  return sums;
}

function countedOf({ requests, errors }: EndpointSeries, names: CounterNames): Map<string, Counted> {
  const errorsOf = addUp(errors, names);
  return new Map(
    [...addUp(requests, names)].map(([key, { backend, instance, readings }]) => [
      key,
      { backend, instance, requests: readings, errors: errorsOf.get(key)?.readings },
    ]),
  );
}

const firstMs = (readings: Iterable<number> = []): number => Math.min(...readings, Number.POSITIVE_INFINITY);

/**
 * A scrape that worked and found no series yet of a backend means 0: where the target is that backend's own, or where another
 * process has counted it before. After its first sample a missing one is late, not 0.
 */
function addZeros(counted: Map<string, Counted>, up: readonly PrometheusSeries[], names: CounterNames): void {
  const seenMs = new Map<string, number>();
  for (const { backend, requests } of counted.values())
    seenMs.set(backend, Math.min(firstMs(requests.keys()), seenMs.get(backend) ?? Number.POSITIVE_INFINITY));
  for (const target of up) {
    const own = target.labels[names.backend];
    const instance = instanceOf(target, names);
    for (const backend of own === undefined ? seenMs.keys() : [own]) {
      const key = JSON.stringify([backend, instance]);
      const known = counted.get(key) ?? {
        backend,
        instance,
        requests: new Map<number, number>(),
        errors: undefined,
      };
      const afterMs = own === undefined ? (seenMs.get(backend) ?? 0) : Number.NEGATIVE_INFINITY;
      const beforeMs = firstMs(known.requests.keys());
      for (const { timeMs, value } of target.samples)
        if (value === 1 && timeMs > afterMs && timeMs < beforeMs) known.requests.set(timeMs, 0);
      counted.set(key, known);
    }
  }
}

/** Samples of one backend in one process. A scrape whose errors have not arrived yet is left out: 0 would look like a restart. */
function toSamples({
  backend,
  instance,
  requests,
  errors,
}: Counted): readonly (CounterSample & { readonly timeMs: number })[] {
  const firstErrorMs = firstMs(errors?.keys());
  return [...requests]
    .map(([timeMs, count]) => {
      const failed = errors?.get(timeMs) ?? (timeMs < firstErrorMs ? 0 : undefined);
      const time = new Date(timeMs).toISOString();
      return failed === undefined
        ? undefined
        : { timeMs, time, backend, instance, requests: count, errors: failed };
    })
    .filter((sample) => sample !== undefined)
    .toSorted((one, other) => one.timeMs - other.timeMs);
}

const order = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** All samples in the range, oldest first, and before them the last one before it of every backend in every process. */
export function samplesOf(
  series: EndpointSeries,
  names: CounterNames,
  range: SampleRange,
): readonly CounterSample[] {
  const counted = countedOf(series, names);
  addZeros(counted, series.up, names);
  return [...counted.values()]
    .flatMap((one) => {
      const samples = toSamples(one).filter(({ timeMs }) => timeMs >= range.startMs && timeMs <= range.toMs);
      const first = samples.findIndex(({ timeMs }) => timeMs >= range.fromMs);
      return samples.slice(Math.max(0, (first < 0 ? samples.length : first) - 1));
    })
    .toSorted(
      (one, other) =>
        one.timeMs - other.timeMs || order(one.backend, other.backend) || order(one.instance, other.instance),
    )
    .map(({ time, backend, instance, requests, errors }) => ({ time, backend, instance, requests, errors }));
}
