import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createCounters, type Counters } from "../../shared/adapters/local/gateway-counters.ts";
import { createMetrics } from "../../shared/adapters/local/metrics.ts";
import { parseExposition } from "../../shared/adapters/local/metrics-exposition.ts";
import { metricsContract } from "../contracts/metrics.ts";
import { createVirtualClock } from "../support/clock.ts";
import { RANKER, until, useGateway, version } from "../support/gateway-fixture.ts";

const LATE = "2999-01-01T00:00:00.000Z";

/** A database in a folder of its own. */
function database() {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-metrics-"));
  const db = openDatabase(join(folder, "ledger.db"));
  return {
    db,
    dispose: (): void => {
      db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

metricsContract("the scraping adapter", async () => {
  const { db, dispose } = database();
  const clock = createVirtualClock();
  const targets = new Map<string, readonly [number, number]>();
  let instances = 1;
  let reachable = true;
  /** Counters that have seen exactly the requests that the trial asked for. */
  const counters = (): Counters => {
    const made = createCounters(`instance-${instances}`, 0);
    for (const [backend, [requests, errors]] of targets) {
      const series = { endpoint: RANKER, backend, version: `version "of" ${backend}` };
      made.know(series);
      for (let count = 0; count < requests; count++)
        made.begin(series)({ error: count < errors, seconds: 0.01 });
    }
    return made;
  };
  const server = createServer((_request, response) => {
    if (reachable) response.end(counters().text());
    else response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const metrics = createMetrics({ database: db, clock, gateway: () => url });
  return {
    metrics,
    endpoint: RANKER,
    set: (backend, requests, errors) => void targets.set(backend, [requests, errors]),
    restart() {
      instances += 1;
      targets.clear();
    },
    reachable(yes) {
      reachable = yes;
    },
    async read() {
      await clock.advance(1_000);
      return (await metrics.scrape()).time;
    },
    async dispose() {
      server.closeAllConnections();
      server.close();
      dispose();
    },
  };
});

describe("the exposition format", () => {
  it("is read back with labels as they were", () => {
    const counters = createCounters('pid "1"\n', 5);
    counters.begin({ endpoint: "e", backend: "b", version: 'quoted "v", a\\b' })({
      error: true,
      seconds: 0.3,
    });
    const samples = parseExposition(counters.text());
    const requests = samples?.find(({ name }) => name === "signalbox_gateway_requests_total");
    expect(requests).toEqual({
      name: "signalbox_gateway_requests_total",
      labels: { endpoint: "e", backend: "b", version: 'quoted "v", a\\b' },
      value: 1,
    });
    expect(samples?.find(({ name }) => name === "signalbox_gateway_info")?.labels).toEqual({
      instance: 'pid "1"\n',
    });
    const buckets = samples
      ?.filter(({ name }) => name.endsWith("_bucket"))
      .map(({ labels, value }) => [labels["le"], value]);
    expect(buckets?.slice(4, 6)).toEqual([
      ["0.1", 0],
      ["0.25", 0],
    ]);
    expect(buckets?.slice(6)).toEqual([
      ["0.5", 1],
      ["1", 1],
      ["2.5", 1],
      ["10", 1],
      ["60", 1],
      ["+Inf", 1],
    ]);
  });

  it.each(["<html>", "a{b=1} 1", 'a{b="1} 1', "a", 'a{b="1"} x'])("refuses %j as a whole", (text) => {
    expect(parseExposition(`fine 1\n${text}\n`)).toBeUndefined();
  });
});

describe("scraping a gateway", () => {
  const ranker = useGateway();
  const v1 = version(1);

  it("counts what the gateway served, from the first weight on", async () => {
    const { db, dispose } = database();
    onTestFinished(dispose);
    const clock = createVirtualClock();
    const metrics = createMetrics({ database: db, clock, gateway: () => ranker.url });
    await ranker.backend(
      v1,
      (request, response) => void response.writeHead(request.url === "/bad" ? 500 : 200).end(),
    );
    await ranker.move("first", { [v1]: 100 });
    expect(await metrics.scrape()).toMatchObject({ kind: "scraped", samples: 1 });
    for (const path of ["/good", "/bad", "/good"]) await (await fetch(`${ranker.url}/ranker${path}`)).text();
    await until("the requests to end", () => ranker.metric("requests_total", v1) === 3);
    await clock.advance(1_000);
    await metrics.scrape();
    const counts = (await metrics.samples(RANKER, "", LATE)).map(({ requests, errors }) => [
      requests,
      errors,
    ]);
    expect(counts).toEqual([
      [0, 0],
      [3, 1],
    ]);
  });

  it("keeps what failed as a gap with its reason, and goes on", async () => {
    const { db, dispose } = database();
    onTestFinished(dispose);
    const clock = createVirtualClock();
    let url = ranker.url;
    const metrics = createMetrics({ database: db, clock, gateway: () => url });
    const errors: unknown[] = [];
    const stop = metrics.start(1_000, (error) => errors.push(error));
    await ranker.backend(v1, (_request, response) => void response.end());
    await ranker.move("first", { [v1]: 100 });
    const count = async () => (await metrics.samples(RANKER, "", LATE)).length;
    const gaps = async () => (await metrics.gaps("", LATE)).length;
    const tick = async (what: string, condition: () => Promise<boolean>) =>
      until(what, async () => {
        if (clock.sleeping() > 0) await clock.advance(1_000);
        return condition();
      });
    await tick("samples", async () => (await count()) >= 2);
    url = "http://127.0.0.1:1";
    await tick("a gap", async () => (await gaps()) >= 2);
    url = ranker.url;
    const before = await count();
    await tick("samples again", async () => (await count()) > before);
    await stop();
    expect((await metrics.gaps("", LATE))[0]?.reason).not.toBe("");
    expect(errors).toEqual([]);
  });

  it("forgets what is older than the retention", async () => {
    const { db, dispose } = database();
    onTestFinished(dispose);
    await ranker.backend(v1, (_request, response) => void response.end());
    await ranker.move("first", { [v1]: 100 });
    const clock = createVirtualClock();
    const gateway = () => ranker.url;
    await createMetrics({ database: db, clock, gateway, retentionMs: 60_000 }).scrape();
    await clock.advance(61_000);
    const metrics = createMetrics({ database: db, clock, gateway, retentionMs: 60_000 });
    const { time } = await metrics.scrape();
    expect((await metrics.samples(RANKER, "", LATE)).map((sample) => sample.time)).toEqual([time]);
  });
});
