// How much counters grew, as Prometheus' `increase` reads them: a value that falls is a restart from zero.
import type { ArmCounts } from "./e-value.ts";

/** One reading of one version's counters in one process that counts (counters start at zero with it and only grow). */
export interface CounterSample extends ArmCounts {
  readonly timeMs: number;
  readonly version: string;
  /** The process that counted: a name that changes with a restart, or stays, as its start time tells. */
  readonly instance: string;
  /** When the counters were zero; lets the first reading count in full, and a restart be seen that outgrew its past. */
  readonly startedMs?: number;
}

/** What is wrong with counters, where, and what to do. */
export interface EvidenceProblem {
  readonly path: string;
  readonly message: string;
  readonly remedy: string;
}

/** Growth of one version's counters between two readings. */
export interface CounterIncrease extends ArmCounts {
  readonly version: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Most problems that are reported at once. */
const PROBLEMS_MAX = 20;

/** Whether these can be counts: finite, not negative, no more errors than requests. */
export function countsProblem(path: string, { requests, errors }: ArmCounts): EvidenceProblem | undefined {
  const counted = [requests, errors].every((count) => Number.isFinite(count) && count >= 0);
  if (!counted) {
    const message = `requests ${requests} and errors ${errors} are not both counts.`;
    return { path, message, remedy: "Export counters that start at zero and only grow." };
  }
  if (errors <= requests) return undefined;
  const message = `${errors} errors in ${requests} requests cannot be.`;
  return { path, message, remedy: "Count a request and its error together, when the request ends." };
}

/** Readings that cannot be believed, at most 20. */
export function sampleProblems(samples: readonly CounterSample[]): readonly EvidenceProblem[] {
  const problems: EvidenceProblem[] = [];
  for (const [position, sample] of samples.entries()) {
    const path = `samples[${position}] (${sample.version}, ${sample.instance})`;
    const problem = Number.isFinite(sample.timeMs)
      ? countsProblem(path, sample)
      : {
          path,
          message: `Its time ${sample.timeMs} is not a time.`,
          remedy: "Store the time of the scrape in milliseconds.",
        };
    if (problem !== undefined) problems.push(problem);
    if (problems.length === PROBLEMS_MAX) break;
  }
  return problems;
}

/** Growth since the reading before; after a restart all of the new value, so that only what followed the last reading is lost. */
function increaseBetween(before: CounterSample, after: CounterSample): CounterIncrease {
  const { version, timeMs: toMs } = after;
  const newStart =
    before.startedMs !== undefined && after.startedMs !== undefined && before.startedMs !== after.startedMs;
  if (newStart || after.requests < before.requests || after.errors < before.errors) {
    const fromMs = Math.min(toMs, Math.max(before.timeMs, after.startedMs ?? before.timeMs));
    return { version, fromMs, toMs, requests: after.requests, errors: after.errors };
  }
  const requests = after.requests - before.requests;
  return { version, fromMs: before.timeMs, toMs, requests, errors: after.errors - before.errors };
}

/**
 * All growth between neighbouring readings of the same version and instance. A series' first reading has no neighbour: it
 * counts in full if its counters started at or after `sinceMs`, else it is only the baseline.
 */
export function counterIncreases(
  samples: readonly CounterSample[],
  sinceMs: number,
): readonly CounterIncrease[] {
  const series = new Map<string, CounterSample[]>();
  for (const sample of samples) {
    const key = `${sample.version}\n${sample.instance}`;
    const readings = series.get(key);
    if (readings === undefined) series.set(key, [sample]);
    else readings.push(sample);
  }
  const increases: CounterIncrease[] = [];
  for (const readings of series.values()) {
    readings.sort((one, other) => one.timeMs - other.timeMs);
    let before: CounterSample | undefined;
    for (const after of readings) {
      if (before !== undefined) increases.push(increaseBetween(before, after));
      else if (after.startedMs !== undefined && after.startedMs >= sinceMs) {
        const { version, timeMs: toMs, requests, errors } = after;
        increases.push({ version, fromMs: Math.min(after.startedMs, toMs), toMs, requests, errors });
      }
      before = after;
    }
  }
  return increases;
}
