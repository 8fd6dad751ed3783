// Times as figures.

/** Milliseconds. */
export interface Figures {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

/** Median and 99th percentile of times in milliseconds. */
export function figuresOf(times: readonly number[]): Figures {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number): number => sorted[Math.floor(part * sorted.length)] ?? Number.NaN;
  return { count: times.length, p50: at(0.5), p99: at(0.99) };
}

/** `1.23 ms`. */
export const ms = (value: number): string => `${value.toFixed(2)} ms`;
