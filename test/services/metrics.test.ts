// The control plane's own metrics, through the door.
import { readFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { exposition } from "../../shared/adapters/local/gateway-exposition.ts";
import { parseExposition } from "../../shared/adapters/local/metrics-exposition.ts";
import { createFigures } from "../../shared/adapters/local/figures.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import type { Figures } from "../../shared/ports/figures.ts";
import { countRequests } from "../../shared/runtime/request-counts.ts";
import { watchProcess } from "../../shared/runtime/process-figures.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { storeMetrics } from "../../services/api/metrics/store-metrics.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import { metricsRoutes } from "../../services/api/routes/metrics.ts";
import { batchOf } from "../support/facts.ts";
import { createWorld } from "../support/world.ts";
import { as, testIdentity } from "./door.ts";

async function metricsDoor(broken?: Figures) {
  const world = createWorld({});
  const app = createServer({ clock: world.clock, log: world.log, identity: testIdentity() });
  const ports = {
    ...world,
    figures: broken ?? createFigures(world.db),
    requestCounts: countRequests(app),
    processFigures: watchProcess(world.clock),
  };
  await app.register(probeRoutes());
  await app.register(metricsRoutes(ports));
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  const scrape = async () => {
    const response = await app.inject({ url: "/metrics", headers: as("viewer") });
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const samples = parseExposition(response.body);
    if (samples === undefined) throw new Error(`Not of the format:\n${response.body}`);
    const value = (name: string, labels: Readonly<Record<string, string>> = {}) =>
      samples.find(
        (sample) => sample.name === name && Object.entries(labels).every(([k, v]) => sample.labels[k] === v),
      )?.value;
    return { samples, value, text: response.body };
  };
  return { app, world, scrape };
}

const HISTORY: readonly Draft[] = [
  { type: "rollout.rolled-back", data: { modelVersion: "v", trigger: "judge", reason: "" } },
  { type: "rollout.rolled-back", data: { modelVersion: "v", trigger: "person", reason: "" } },
  { type: "rollout.promoted", data: { modelVersion: "v", epoch: 1, override: false } },
  { type: "plan.failed", data: { reason: "INIT_FAILED", message: "", nextStep: "" } },
  { type: "apply.failed", data: { apply: "a", plan: "p", reason: "STALE_STATE", message: "", nextStep: "" } },
];

test("what happened is told by type, end, trigger, result and outcome", async () => {
  const { world, scrape } = await metricsDoor();
  await world.ledger.append(batchOf("stacks/a", 0, "one", HISTORY));
  await world.receipts.put({
    guid: "g",
    event: "push",
    bodyHash: "h",
    body: new Uint8Array(),
    receivedAt: "2026-01-02T03:04:05.000Z",
  });
  const before = await scrape();
  expect(before.value("signalbox_deliveries_pending")).toBe(1);
  expect(before.value("signalbox_facts_total", { type: "rollout.rolled-back" })).toBe(2);
  expect(before.value("signalbox_rollouts_ended_total", { end: "rolled-back" })).toBe(2);
  expect(before.value("signalbox_rollouts_ended_total", { end: "promoted" })).toBe(1);
  expect(before.value("signalbox_rollouts_ended_total", { end: "aborted" })).toBe(0);
  expect(before.value("signalbox_rollbacks_total", { trigger: "judge" })).toBe(1);
  expect(
    before.value("signalbox_builds_total", { kind: "plan", result: "failed", reason: "INIT_FAILED" }),
  ).toBe(1);
  expect(before.value("signalbox_outbox_pending")).toBe(5);
  expect(before.value("signalbox_store_up")).toBe(1);
  await world.receipts.settle("g", { outcome: "ignored", reason: "", time: "2026-01-02T03:04:06.000Z" });
  const after = await scrape();
  expect(after.value("signalbox_deliveries_total", { outcome: "ignored" })).toBe(1);
  expect(after.value("signalbox_deliveries_pending")).toBe(0);
});

test("ages are seconds from then to now, and never below zero", () => {
  const figures = {
    facts: [],
    deliveries: [],
    outbox: { pending: 1, oldest: "2026-01-02T03:04:05.000Z" },
    timers: { waiting: 1, earliest: "2026-01-02T03:05:00.000Z" },
    deadLetters: [],
  };
  const at = (time: string) =>
    Object.fromEntries(
      storeMetrics(figures, new Date(time)).map(({ name, samples }) => [name, samples[0]?.value]),
    );
  expect(at("2026-01-02T03:04:15.500Z")).toMatchObject({
    signalbox_outbox_oldest_age_seconds: 10.5,
    signalbox_timers_overdue_seconds: 0,
  });
  expect(at("2026-01-02T03:05:02.000Z")).toMatchObject({ signalbox_timers_overdue_seconds: 2 });
});

test("requests are counted by method, route and status, and unknown paths share one series", async () => {
  const { app, scrape } = await metricsDoor();
  await app.inject({ url: "/healthz" });
  await app.inject({ url: "/healthz" });
  await app.inject({ url: "/metrics" });
  for (const path of ["/a", "/b", "/c?d=e"]) await app.inject({ url: path });
  const { samples, value } = await scrape();
  const requests = (labels: Readonly<Record<string, string>>) =>
    value("signalbox_http_requests_total", labels);
  expect(requests({ method: "GET", route: "/healthz", status: "200" })).toBe(2);
  expect(requests({ route: "/metrics", status: "401" })).toBe(1);
  expect(requests({ route: "unmatched", status: "404" })).toBe(3);
  expect(value("signalbox_http_request_duration_seconds_count", { route: "/healthz" })).toBe(2);
  expect(value("signalbox_http_request_duration_seconds_sum", { route: "/healthz" })).toBeGreaterThan(0);
  expect(new Set(samples.map((sample) => sample.labels["route"])).size).toBe(4);
});

test("the process tells its memory, its processor time and how late its event loop is", async () => {
  const { scrape } = await metricsDoor();
  const { value } = await scrape();
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
  expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  for (const name of ["p50", "p99", "max"])
    expect(value(`nodejs_eventloop_lag_${name}_seconds`)).toBeGreaterThanOrEqual(0);
});

test("names follow the conventions: a counter ends in _total, times are seconds, and no metric is told twice", async () => {
  const { text } = await (await metricsDoor()).scrape();
  const heads = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  expect(heads.length).toBeGreaterThan(20);
  const names = heads.map(([, name = ""]) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const [, name = "", type] of heads) {
    expect(name, name).toMatch(/^(signalbox|process|nodejs)_[a-z0-9_]+$/);
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    if (/_(age|lag|duration|overdue|time)(_|$)/.test(name)) expect(name).toMatch(/_seconds$/);
  }
});

test("while the stores are down the rest is told, and that they are down", async () => {
  const { world, scrape } = await metricsDoor({
    read: () => Promise.reject(new ControlPlaneError("UNAVAILABLE", "The disk is full.", { reason: "DISK" })),
  });
  const { value } = await scrape();
  expect(value("signalbox_store_up")).toBe(0);
  expect(value("signalbox_outbox_pending")).toBeUndefined();
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(0);
  expect(world.log.lines).toMatchObject([{ level: "warn" }]);
});

test("every metric that the operations page would alert on is told by the API or by the gateway", async () => {
  const { text } = await (await metricsDoor()).scrape();
  const gateway = exposition({ instance: "i", startSeconds: 0, series: [], refusals: new Map() });
  const told = [text, gateway].flatMap((each) =>
    [...each.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name),
  );
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const named = [...page.matchAll(/\b(?:signalbox|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !told.includes(name))).toEqual([]);
});
