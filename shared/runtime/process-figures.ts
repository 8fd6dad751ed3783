// What this process uses, and how late its event loop is.
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../ports/clock.ts";

/** Between two looks at the event loop: its delay is known no finer. */
const LOOP_RESOLUTION_MS = 10;
const NANOSECONDS_PER_SECOND = 1e9;

/** Figures of a process; seconds and bytes. */
export interface ProcessFigures {
  readonly startSeconds: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly externalBytes: number;
  /** How late the event loop was since the last reading. */
  readonly loopDelaySeconds: { readonly median: number; readonly p99: number; readonly max: number };
}

/** Begins to watch this process; reading starts the delays anew. */
export function watchProcess(clock: Clock): () => ProcessFigures {
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  delay.enable();
  const startSeconds = clock.now().getTime() / 1_000 - process.uptime();
  // The histogram holds the time between two looks, which is the resolution when nothing is late.
  const late = (nanoseconds: number): number =>
    Math.max(0, nanoseconds / NANOSECONDS_PER_SECOND - LOOP_RESOLUTION_MS / 1_000);
  return () => {
    const { rss, heapUsed, external } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const loopDelaySeconds = {
      median: late(delay.percentile(50)),
      p99: late(delay.percentile(99)),
      max: delay.count === 0 ? 0 : late(delay.max),
    };
    delay.reset();
    return {
      startSeconds,
      cpuSeconds: (user + system) / 1e6,
      residentBytes: rss,
      heapUsedBytes: heapUsed,
      externalBytes: external,
      loopDelaySeconds,
    };
  };
}
