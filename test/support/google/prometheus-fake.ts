// A fake of a Prometheus HTTP API that holds real series: it scrapes targets when told to, keeps `up`, and answers instant queries of
// range selectors with equality matchers as Prometheus does. Managed Service for Prometheus answers under a longer path, with Google's errors.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** How the next query fails. */
export type PrometheusFault = "cut" | "hang" | { readonly status: number; readonly body: string | Buffer };

/** Series of a target by name, then by the labels of its own. */
export type Exposed = readonly {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | string;
}[];

/** The fake. */
export interface PrometheusFake {
  /** Base of the API, as Managed Service for Prometheus has it. */
  readonly url: string;
  readonly queries: readonly string[];
  /** Scrapes a target: its series, or undefined when it does not answer. */
  scrape(timeMs: number, target: Readonly<Record<string, string>>, exposed: Exposed | undefined): void;
  fail(...faults: readonly PrometheusFault[]): void;
  close(): Promise<void>;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: { readonly timeMs: number; readonly value: string }[];
}

const SELECTOR = /^(\w+)\{(\w+="[^"\\]*"(?:,\w+="[^"\\]*")*)\}\[(\d+)s\]$/;
const MATCHER = /(\w+)="([^"\\]*)"/g;

/** Where a counter is reckoned from, and what it was last. */
interface Reckoned {
  readonly from: number;
  readonly last: number;
}

/**
 * Starts the fake on a free loopback port; with a token it asks for one. `managed`: counters are kept as the collectors of Managed Service
 * for Prometheus export them: the first value of a series is dropped and the others are told as what came on top of it, until one
 * falls (`getResetAdjusted` in pkg/export/series_cache.go of GoogleCloudPlatform/prometheus-engine).
 */
export async function startPrometheusFake(
  token?: string,
  { managed = false }: { readonly managed?: boolean } = {},
): Promise<PrometheusFake> {
  const stored = new Map<string, Series>();
  const reckoned = new Map<string, Reckoned>();
  const queries: string[] = [];
  const faults: PrometheusFault[] = [];

  function keep(labels: Readonly<Record<string, string>>, timeMs: number, value: number | string): void {
    const key = JSON.stringify(Object.entries(labels).toSorted());
    const series = stored.get(key) ?? { labels, samples: [] };
    series.samples.push({ timeMs, value: String(value) });
    stored.set(key, series);
  }

  /** The value as a collector exports it; undefined for one that it drops. */
  function exported(labels: Readonly<Record<string, string>>, value: number): number | undefined {
    const key = JSON.stringify(Object.entries(labels).toSorted());
    const known = reckoned.get(key);
    const from = known === undefined ? value : value < known.last ? 0 : known.from;
    reckoned.set(key, { from, last: known === undefined ? 0 : value });
    return known === undefined ? undefined : value - from;
  }

  function matrix(query: string, timeMs: number): readonly unknown[] | undefined {
    const [, name, matchers = "", seconds] = SELECTOR.exec(query) ?? [];
    if (name === undefined) return undefined;
    const wanted = [...matchers.matchAll(MATCHER)].map(([, label = "", value]) => [label, value] as const);
    const fromMs = timeMs - Number(seconds) * 1_000;
    return [...stored.values()]
      .filter(({ labels }) => labels["__name__"] === name)
      .filter(({ labels }) => wanted.every(([label, value]) => labels[label] === value))
      .map(({ labels, samples }) => ({
        metric: labels,
        // Left-open, as since Prometheus 3.
        values: samples
          .filter((at) => at.timeMs > fromMs && at.timeMs <= timeMs)
          .map((at) => [at.timeMs / 1_000, at.value]),
      }))
      .filter(({ values }) => values.length > 0);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const answer = (status: number, body: unknown) =>
      void response
        .writeHead(status, { "content-type": "application/json" })
        .end(typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body));
    const query = url.searchParams.get("query") ?? "";
    queries.push(query);
    const fault = faults.shift();
    if (fault === "cut") return void request.socket.destroy();
    if (fault === "hang") return;
    if (fault !== undefined) return answer(fault.status, fault.body);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return answer(401, {
        error: {
          code: 401,
          message: "Request had invalid authentication credentials.",
          status: "UNAUTHENTICATED",
        },
      });
    if (url.pathname !== "/v1/projects/demo/location/global/prometheus/api/v1/query")
      return answer(403, {
        error: {
          code: 403,
          message: "Permission monitoring.timeSeries.list denied.",
          status: "PERMISSION_DENIED",
        },
      });
    const result = matrix(query, Number(url.searchParams.get("time")) * 1_000);
    if (result === undefined)
      return answer(400, { status: "error", errorType: "bad_data", error: "parse error" });
    return answer(200, { status: "success", data: { resultType: "matrix", result } });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/projects/demo/location/global/prometheus`,
    queries,
    scrape(timeMs, target, exposed) {
      keep({ ...target, __name__: "up" }, timeMs, exposed === undefined ? 0 : 1);
      for (const { name, labels, value } of exposed ?? []) {
        const all = { ...target, ...labels, __name__: name };
        const told = managed ? exported(all, Number(value)) : value;
        if (told !== undefined) keep(all, timeMs, told);
      }
    },
    fail: (...next) => void faults.push(...next),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
