import { describe, expect, it, onTestFinished } from "vitest";
import { googleAccessToken } from "../../../shared/adapters/google/access-token.ts";
import {
  COUNTER_NAMES,
  createMetrics,
  LOOK_BACK_MS,
  QUERY_RANGE_MS,
} from "../../../shared/adapters/google/metrics.ts";
import {
  createPrometheusClient,
  managedPrometheus,
  PROMETHEUS_ANSWER_BYTES_MAX,
} from "../../../shared/adapters/google/metrics-client.ts";
import { isTransient } from "../../../shared/domain/errors.ts";
import { metricsContract } from "../../contracts/metrics.ts";
import { createVirtualClock } from "../../support/clock.ts";
import {
  type Exposed,
  type PrometheusFault,
  startPrometheusFake,
} from "../../support/google/prometheus-fake.ts";

const endpoint = "teams/default/endpoints/ranker";
const EARLY = "1999-01-01T00:00:00.000Z";
const LATE = "2999-01-01T00:00:00.000Z";
const target = (instance: string, labels: Readonly<Record<string, string>> = {}) => ({
  namespace: "team-default",
  job: "ranker",
  instance,
  team: "default",
  endpoint: "ranker",
  ...labels,
});
const counters = (backend: string, requests: number | string, errors?: number): Exposed => [
  { name: COUNTER_NAMES.requests, labels: { backend }, value: requests },
  ...(errors === undefined ? [] : [{ name: COUNTER_NAMES.errors, labels: { backend }, value: errors }]),
];

const authOf = (token: string | null) => ({
  getAccessToken: async () => token,
  getClient: () => Promise.reject(new Error("nobody asks for a client")),
});

/** An answer of one sample, as bytes. */
const answered = (
  value: string,
  backend = "b",
  seconds: number | string = 1,
  encoding: BufferEncoding = "utf8",
) =>
  Buffer.from(
    `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"backend":"${backend}"},"values":[[${seconds},${value}]]}]}}`,
    encoding,
  );

interface Options {
  readonly timeoutMs?: number;
  readonly managed?: boolean;
}

async function world({ managed = false, ...options }: Options = {}) {
  const fake = await startPrometheusFake("a-token", { managed });
  const clock = createVirtualClock();
  const query = createPrometheusClient({ url: fake.url, token: async () => "a-token", ...options });
  const metrics = createMetrics({ query, clock });
  const counts = async (from = EARLY, to = LATE) =>
    (await metrics.samples(endpoint, from, to)).map(({ instance, ...sample }) => ({
      ...sample,
      pod: instance.split("/").at(-1),
    }));
  return { fake, clock, metrics, counts, nowMs: () => clock.now().getTime() };
}

async function trial(options?: Options) {
  const made = await world(options);
  onTestFinished(() => made.fake.close());
  return made;
}

metricsContract("Prometheus over HTTP", async () => {
  const { fake, clock, metrics, nowMs } = await world();
  const exposed = new Map<string, Exposed>();
  let instances = 1;
  let isReachable = true;
  return {
    metrics,
    endpoint,
    set: (backend, requests, errors) => void exposed.set(backend, counters(backend, requests, errors)),
    restart() {
      instances += 1;
      exposed.clear();
    },
    reachable(yes) {
      isReachable = yes;
    },
    async read() {
      await clock.advance(1_000);
      fake.scrape(
        nowMs(),
        target(`pod-${instances}`),
        isReachable ? [...exposed.values()].flat() : undefined,
      );
      return clock.now().toISOString();
    },
    dispose: () => fake.close(),
  };
});

describe("counters of Prometheus", () => {
  it("are told of every process that counts, and added up over other labels", async () => {
    const { fake, counts, nowMs } = await trial();
    const [get, post] = ["GET", "POST"].map((method, id) => ({
      name: COUNTER_NAMES.requests,
      labels: { backend: "one", method },
      value: id + 3,
    }));
    fake.scrape(nowMs(), target("a"), [get!, post!]);
    fake.scrape(nowMs(), target("b"), counters("one", 9, 1));
    expect((await counts()).map(({ pod, requests, errors }) => [pod, requests, errors])).toEqual([
      ["a", 7, 0],
      ["b", 9, 1],
    ]);
  });

  it("start at 0 for a process whose target says which backend it is, before anybody asked it", async () => {
    const { fake, clock, counts, nowMs } = await trial();
    fake.scrape(nowMs(), target("a", { backend: "one" }), []);
    await clock.advance(1_000);
    fake.scrape(nowMs(), target("a", { backend: "one" }), counters("one", 4));
    expect((await counts()).map(({ backend, requests }) => [backend, requests])).toEqual([
      ["one", 0],
      ["one", 4],
    ]);
  });

  it("that arrive late are waited for: a missing error count is no restart", async () => {
    const { fake, clock, counts, nowMs } = await trial();
    fake.scrape(nowMs(), target("a"), counters("one", 10, 5));
    await clock.advance(1_000);
    fake.scrape(nowMs(), target("a"), counters("one", 12));
    await clock.advance(1_000);
    fake.scrape(nowMs(), target("a"), []);
    expect((await counts()).map(({ requests, errors }) => [requests, errors])).toEqual([[10, 5]]);
  });

  it("of a long range are asked for in pieces that meet, without one twice", async () => {
    const { fake, clock, metrics, nowMs } = await trial();
    const startMs = nowMs();
    for (let hour = 0; hour <= 30; hour++) {
      fake.scrape(nowMs(), target("a"), counters("one", hour));
      await clock.advance(3_600_000);
    }
    const to = new Date(startMs + 2 * QUERY_RANGE_MS + LOOK_BACK_MS).toISOString();
    const samples = await metrics.samples(endpoint, new Date(startMs).toISOString(), to);
    expect(samples.map(({ requests }) => requests)).toEqual(Array.from({ length: 25 }, (_, hour) => hour));
    expect(
      fake.queries.every((query) => /^\w+\{team="default",endpoint="ranker"\}\[\d+s\]$/.test(query)),
    ).toBe(true);
  });

  it.each<readonly [string, PrometheusFault, string]>([
    ["a cut connection", "cut", "UNAVAILABLE"],
    ["a silent server", "hang", "DEADLINE_EXCEEDED"],
    [
      "a quota",
      { status: 429, body: '{"error":{"status":"RESOURCE_EXHAUSTED","message":"too many queries"}}' },
      "RESOURCE_EXHAUSTED",
    ],
    ["an outage", { status: 503, body: "upstream connect error" }, "UNAVAILABLE"],
    [
      "a right that is missing",
      {
        status: 403,
        body: '{"error":{"status":"PERMISSION_DENIED","message":"monitoring.timeSeries.list"}}',
      },
      "PERMISSION_DENIED",
    ],
    [
      "a query that is refused",
      { status: 400, body: '{"status":"error","errorType":"bad_data","error":"parse error"}' },
      "INVALID_ARGUMENT",
    ],
    [
      "a project that is not there",
      { status: 404, body: '{"error":{"status":"NOT_FOUND","message":"projects/demo"}}' },
      "NOT_FOUND",
    ],
    [
      "an answer that is no UTF-8",
      { status: 200, body: answered('"1"', "b\u00ff", 1, "latin1") },
      "UNAVAILABLE",
    ],
    ["a sample of no time", { status: 200, body: answered('"1"', "b", "1e300") }, "UNAVAILABLE"],
    ["a sample that is a number", { status: 200, body: answered("9007199254740993") }, "UNAVAILABLE"],
    [
      "half an answer",
      { status: 200, body: '{"status":"success","data":{"resultType":"matr' },
      "UNAVAILABLE",
    ],
    ["a page of a proxy", { status: 200, body: "<html>" }, "UNAVAILABLE"],
    [
      "another kind of result",
      { status: 200, body: '{"status":"success","data":{"resultType":"vector","result":[]}}' },
      "UNAVAILABLE",
    ],
    [
      "an answer with a warning",
      {
        status: 200,
        body: '{"status":"success","warnings":["some series are missing"],"data":{"resultType":"matrix","result":[]}}',
      },
      "UNAVAILABLE",
    ],
  ])("are not guessed after %s", async (_, fault, code) => {
    const { fake, metrics } = await trial(fault === "hang" ? { timeoutMs: 200 } : {});
    fake.fail(fault);
    const error: unknown = await metrics.samples(endpoint, EARLY, LATE).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect(isTransient(error)).toBe(
      ["UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"].includes(code),
    );
  });

  it("are not read without end", async () => {
    const { fake, metrics } = await trial({ timeoutMs: 30_000 });
    fake.fail({ status: 200, body: Buffer.alloc(PROMETHEUS_ANSWER_BYTES_MAX + 1, " ") });
    await expect(metrics.samples(endpoint, EARLY, LATE)).rejects.toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      reason: "METRICS_TOO_LARGE",
    });
    expect(await metrics.samples(endpoint, EARLY, LATE)).toEqual([]);
  });

  it("of clocks that run before or after ours are those of their own time, and of none that has not come", async () => {
    const { fake, clock, counts, nowMs } = await trial();
    const startMs = nowMs();
    const times = [-LOOK_BACK_MS, 0, LOOK_BACK_MS, LOOK_BACK_MS + 1_000];
    for (const [index, offsetMs] of times.entries())
      fake.scrape(startMs + offsetMs, target("a"), counters("one", index + 1));
    expect((await counts()).map(({ time, requests }) => [Date.parse(time) - startMs, requests])).toEqual([
      [-LOOK_BACK_MS, 1],
      [0, 2],
      [LOOK_BACK_MS, 3],
    ]);
    // What is too far ahead is not lost: it is read when its time has come.
    await clock.advance(1_000);
    expect((await counts()).map(({ requests }) => requests)).toEqual([1, 2, 3, 4]);
  });

  it.each(["NaN", "+Inf", "-1", "", "9007199254740993", "1e400"])(
    "that read %j are refused, not rounded",
    async (value) => {
      const { fake, metrics, nowMs } = await trial();
      fake.scrape(nowMs(), target("a"), counters("one", value));
      await expect(metrics.samples(endpoint, EARLY, LATE)).rejects.toMatchObject({
        code: "FAILED_PRECONDITION",
        reason: "COUNTER_UNREADABLE",
      });
    },
  );

  it("of a backend called __proto__ are counted like any other's", async () => {
    const { fake, counts, nowMs } = await trial();
    fake.scrape(nowMs(), target("a", { ["__proto__"]: "a label" }), counters("__proto__", 3));
    expect((await counts()).map(({ backend, requests }) => [backend, requests])).toEqual([["__proto__", 3]]);
  });

  it("are asked for by no name that could end the query", async () => {
    const { metrics, clock } = await trial();
    await expect(metrics.samples('teams/a"} or up{x="', EARLY, LATE)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    const query = async () => [];
    expect(() => createMetrics({ query, clock, names: { ...COUNTER_NAMES, errors: "a{" } })).toThrow(
      /cannot name/,
    );
    await expect(metrics.samples(endpoint, "yesterday", LATE)).rejects.toMatchObject({ field: "from" });
  });

  it("need a token of this identity, for the right project", async () => {
    const { fake, clock } = await trial();
    const read = (url: string, token: () => Promise<string>) =>
      createMetrics({ query: createPrometheusClient({ url, token }), clock }).samples(endpoint, EARLY, LATE);
    const good = googleAccessToken(authOf("a-token"));
    expect(await read(fake.url, good)).toEqual([]);
    await expect(read(fake.url, async () => "old")).rejects.toMatchObject({
      code: "UNAVAILABLE",
      reason: "GOOGLE_UNAUTHENTICATED",
    });
    await expect(read(fake.url, googleAccessToken(authOf(null)))).rejects.toMatchObject({
      reason: "NO_ACCESS_TOKEN",
    });
    const other = fake.url.replace("demo", "another");
    await expect(read(other, good)).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
    expect(managedPrometheus("demo")).toBe(
      "https://monitoring.googleapis.com/v1/projects/demo/location/global/prometheus",
    );
  });
});

describe("counters as Managed Service for Prometheus exports them", () => {
  type Scrape = readonly [requests: number, errors: number | undefined];
  const grown = async (...scrapes: readonly Scrape[]) => {
    const { fake, clock, counts, nowMs } = await trial({ managed: true });
    for (const [requests, errors] of scrapes) {
      fake.scrape(nowMs(), target("a", { backend: "one" }), counters("one", requests, errors));
      await clock.advance(1_000);
    }
    return (await counts()).map(({ requests, errors }) => [requests, errors]);
  };

  it("are whole when both begin at 0 with the process", async () => {
    expect(await grown([0, 0], [4, 1], [9, 3])).toEqual([
      [0, 0],
      [4, 1],
      [9, 3],
    ]);
  });

  it("lack what one has counted before it is there, so that each is to be there from the start", async () => {
    expect(await grown([0, undefined], [4, 3], [9, 4])).toEqual([
      [0, 0],
      [4, 0],
      [9, 1],
    ]);
  });

  it("that fall tell of a restart, by less than they told before", async () => {
    expect(await grown([0, 0], [40, 5], [2, 1], [3, 1])).toEqual([
      [0, 0],
      [40, 5],
      [2, 1],
      [3, 1],
    ]);
  });
});
