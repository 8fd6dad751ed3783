/** Time. Law: `now` never runs backwards by more than the host's clock does; `sleep` ends early only by its signal. */
export interface Clock {
  now(): Date;
  /** Resolves at `now() + ms`, or at once when the signal aborts (it does not throw then). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
