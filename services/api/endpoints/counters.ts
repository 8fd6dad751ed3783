// The counters of an endpoint as they were recorded, and what served meanwhile: what the judge saw, for replays and plans.
import { backendName } from "../../../shared/domain/backend.ts";
import { invalidArgument } from "../../../shared/domain/errors.ts";
import type { FactData } from "../../../shared/domain/facts.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import type { Ledger } from "../../../shared/ports/ledger.ts";
import type { Metrics } from "../../../shared/ports/metrics.ts";
import { withDeadline } from "../../../shared/runtime/deadline.ts";

/** Longest range of one answer. */
export const COUNTERS_RANGE_MS_MAX = 24 * 3_600_000;

/** Samples of one answer; a range that holds more is refused. */
export const COUNTER_SAMPLES_MAX = 50_000;

/** How long the metrics may take for one answer. */
export const COUNTERS_TIMEOUT_MS = 10_000;

/** What the question needs. */
export interface CounterPorts {
  readonly clock: Clock;
  readonly ledger: Pick<Ledger, "read">;
  readonly metrics: Metrics;
}

/** Recorded counters of a range. */
export interface RecordedCounters {
  readonly endpoint: string;
  readonly from: string;
  readonly to: string;
  readonly samples: readonly {
    readonly time: string;
    readonly version: string;
    readonly instance: string;
    readonly requests: number;
    readonly errors: number;
  }[];
  /** Weights by model version after each move, oldest first; the first one is what served at `from`. */
  readonly moves: readonly { readonly time: string; readonly weights: Readonly<Record<string, number>> }[];
}

type Moved = FactData<"traffic.moved">;

/** Moves in the range, and what served when it began. */
function movesIn(moves: readonly Moved[], from: string, to: string): RecordedCounters["moves"] {
  const ordered = moves
    .toSorted((one, other) => one.epoch - other.epoch)
    .map(({ movedAt, to: weights }) => ({ time: movedAt, weights }));
  const begin = ordered.findLast(({ time }) => Date.parse(time) <= Date.parse(from));
  const since = ordered.filter(
    ({ time }) => Date.parse(time) > Date.parse(from) && Date.parse(time) <= Date.parse(to),
  );
  return begin === undefined ? since : [{ ...begin, time: from }, ...since];
}

/**
 * Counters and moves with `from` ≤ time ≤ `to` (RFC 3339 in UTC; default: the hour until now). Errors: INVALID_ARGUMENT when the
 * range is empty, longer than a day, or holds more samples than one answer.
 */
export async function readCounters(
  { clock, ledger, metrics }: CounterPorts,
  endpoint: string,
  range: { readonly from?: string | undefined; readonly to?: string | undefined },
): Promise<RecordedCounters> {
  const to = range.to ?? clock.now().toISOString();
  const from = range.from ?? new Date(Date.parse(to) - 3_600_000).toISOString();
  const lengthMs = Date.parse(to) - Date.parse(from);
  if (lengthMs <= 0 || lengthMs > COUNTERS_RANGE_MS_MAX)
    throw invalidArgument(
      "from",
      `${from} to ${to} is not a range of up to 24 hours: ask for a shorter one.`,
    );
  const { facts } = await ledger.read(endpoint);
  const moves = facts.flatMap((fact) => (fact.type === "traffic.moved" ? [fact.data] : []));
  const versions = new Set(moves.flatMap(({ to: weights }) => Object.keys(weights)));
  const byBackend = new Map([...versions].map((version) => [backendName(endpoint, version), version]));
  const counted = await withDeadline(clock, COUNTERS_TIMEOUT_MS, "Reading the metrics", () =>
    metrics.samples(endpoint, from, to),
  );
  const samples = counted.flatMap(({ time, backend, instance, requests, errors }) => {
    const version = byBackend.get(backend);
    return version === undefined ? [] : [{ time, version, instance, requests, errors }];
  });
  if (samples.length > COUNTER_SAMPLES_MAX) {
    const message = `${from} to ${to} holds ${samples.length} samples, and one answer at most ${COUNTER_SAMPLES_MAX}: ask for a shorter range.`;
    throw invalidArgument("from", message);
  }
  return { endpoint, from, to, samples, moves: movesIn(moves, from, to) };
}
