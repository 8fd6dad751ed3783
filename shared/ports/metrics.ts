/** One reading of a backend's counters. Counters start at 0 when `instance` starts; a new instance is a reset. */
export interface CounterSample {
  readonly time: string;
  readonly backend: string;
  /** Identity of the counting process, changes when it restarts. */
  readonly instance: string;
  readonly requests: number;
  readonly errors: number;
}

/**
 * Request counters per backend of an endpoint. Law: samples are as scraped, never interpolated; no samples in a range where
 * scraping failed; a scrape that worked and found no series gives samples of 0.
 */
export interface Metrics {
  /** All samples of an endpoint with `from` <= time <= `to` (RFC 3339), oldest first, plus the last one before `from` per backend. */
  samples(endpoint: string, from: string, to: string): Promise<readonly CounterSample[]>;
}
