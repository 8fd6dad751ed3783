// Requests over so many connections, each sending the next one when it has its answer, until the time is over.
import { Pool } from "undici";
import { type Figures, figuresOf } from "./figures.ts";

/** One request of a load. */
export interface LoadRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer;
}

/** What a load found. */
export interface LoadFigures extends Figures {
  readonly perSecond: number;
  /** Answers that were not 2xx, or never came. */
  readonly failed: number;
}

/** Until when: `seconds`, or `count` requests. */
export interface LoadLimits {
  readonly connections: number;
  readonly seconds?: number;
  readonly count?: number;
}

/** Loads a server. `request(i)` makes the i-th request. */
export async function load(
  url: string,
  { connections, seconds = Infinity, count = Infinity }: LoadLimits,
  request: (index: number) => LoadRequest,
): Promise<LoadFigures> {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const times: number[] = [];
  let failed = 0;
  let next = 0;
  const begun = performance.now();
  const endMs = begun + seconds * 1_000;
  const one = async (): Promise<void> => {
    while (next < count && performance.now() < endMs) {
      const asked = request(next++);
      const sent = performance.now();
      try {
        const { statusCode, body } = await pool.request(asked);
        await body.dump();
        if (statusCode < 200 || statusCode > 299) failed += 1;
      } catch {
        failed += 1;
      }
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  const lastedSeconds = (performance.now() - begun) / 1_000;
  await pool.close();
  return { ...figuresOf(times), perSecond: times.length / lastedSeconds, failed };
}
