// The rollout service verifies moves by the counters of Prometheus: what users get, not what the route says.
import { expect, onTestFinished, test } from "vitest";
import {
  ARRIVAL_TIME_MAX_MS,
  ARRIVAL_WATCHED_MAX_MS,
  createVerifier,
} from "../../services/rollout/verify.ts";
import { COUNTER_NAMES, createMetrics } from "../../shared/adapters/google/metrics.ts";
import { createPrometheusClient } from "../../shared/adapters/google/metrics-client.ts";
import { backendName } from "../../shared/domain/backend.ts";
import { EMPTY_TRAFFIC } from "../../shared/domain/traffic.ts";
import { applyMove } from "../../shared/domain/traffic-moves.ts";
import { createVirtualClock } from "../support/clock.ts";
import { startPrometheusFake } from "../support/google/prometheus-fake.ts";
import { createLogBook } from "../support/world.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const SCRAPE_MS = 5_000;
const versionOf = (id: number): string => `teams/default/models/ranker/versions/${id}`;
const backendOf = (id: number): string => backendName(ENDPOINT, versionOf(id));

/** Version 2 takes all traffic from version 1, now; readings follow every 5 s. */
async function moved() {
  const prometheus = await startPrometheusFake();
  onTestFinished(() => prometheus.close());
  const clock = createVirtualClock();
  const log = createLogBook();
  const counters = createMetrics({ query: createPrometheusClient({ url: prometheus.url }), clock });
  const verify = createVerifier({ counters, clock, log });
  const order = { actor: "ada", reason: "test", time: clock.now().toISOString() } as const;
  const first = applyMove(ENDPOINT, EMPTY_TRAFFIC, {
    ...order,
    kind: "first",
    to: { [versionOf(1)]: 100 },
    cause: "a",
  });
  const document = applyMove(ENDPOINT, first, {
    ...order,
    kind: "advance",
    to: { [versionOf(2)]: 100 },
    cause: "b",
  });
  const requests = new Map([
    [1, 1_000],
    [2, 0],
  ]);
  /** One scrape, before which the versions have answered so many requests. */
  const scrape = async (...answered: readonly number[]): Promise<void> => {
    await clock.advance(SCRAPE_MS);
    for (const [at, count] of answered.entries()) {
      const id = at + 1;
      requests.set(id, (requests.get(id) ?? 0) + count);
      const target = { namespace: "team-default", job: "signalbox-backends", instance: `pod-${id}:metrics` };
      const labels = { team: "default", endpoint: "ranker", backend: backendOf(id) };
      prometheus.scrape(clock.now().getTime(), { ...target, ...labels }, [
        { name: COUNTER_NAMES.requests, labels: {}, value: requests.get(id) ?? 0 },
        { name: COUNTER_NAMES.errors, labels: {}, value: 0 },
      ]);
    }
  };
  return { prometheus, clock, log, scrape, look: () => verify(ENDPOINT, document) };
}

test("a move is verified once its counters say that users have followed, and is not asked for again", async () => {
  const { prometheus, log, scrape, look } = await moved();
  await scrape(900, 0);
  await scrape(400, 600);
  await look();
  expect(log.lines).toEqual([]);
  await scrape(0, 1_000);
  await look();
  expect(log.lines).toEqual([
    {
      level: "info",
      message: "Requests go where the last move sent them.",
      fields: { endpoint: ENDPOINT, epoch: 2, kind: "advance", afterMs: 2 * SCRAPE_MS },
    },
  ]);
  const asked = prometheus.queries.length;
  await look();
  expect(prometheus.queries).toHaveLength(asked);
});

test("requests that still go elsewhere when the time is up are an error that names where", async () => {
  const { clock, log, scrape, look } = await moved();
  await scrape(900, 0);
  await clock.advance(ARRIVAL_TIME_MAX_MS);
  await scrape(900, 0);
  await look();
  expect(log.lines).toEqual([
    {
      level: "error",
      message: expect.stringContaining("do not go where the last move sent them") as string,
      fields: expect.objectContaining({ strays: [backendOf(1)], missing: [backendOf(2)] }) as object,
    },
  ]);
});

test("nobody is accused while nobody asks, and a quiet endpoint is left alone after an hour", async () => {
  const { prometheus, clock, log, scrape, look } = await moved();
  await scrape(0, 0);
  await clock.advance(ARRIVAL_TIME_MAX_MS);
  await scrape(0, 0);
  await look();
  await clock.advance(ARRIVAL_WATCHED_MAX_MS);
  const asked = prometheus.queries.length;
  await look();
  expect(prometheus.queries).toHaveLength(asked);
  expect(log.lines).toEqual([]);
});

test("counters that cannot be read are told to whoever asked, and the move is looked at again", async () => {
  const { prometheus, log, scrape, look } = await moved();
  await scrape(0, 10);
  await scrape(0, 10);
  prometheus.fail({ status: 503, body: "down" });
  await expect(look()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await look();
  expect(log.lines).toHaveLength(1);
});

test("without counters, where the gateway obeys the document at once, nothing is asked", async () => {
  const { clock, log } = await moved();
  await createVerifier({ clock, log })(ENDPOINT, EMPTY_TRAFFIC);
  expect(log.lines).toEqual([]);
});
