import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LocalDeploys } from "../../shared/adapters/local/deploys.ts";
import { createGateway, type Gateway } from "../../shared/adapters/local/gateway.ts";
import { createTraffic, type LocalTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import type { ReleaseRequest } from "../../shared/ports/deploys.ts";
import { rollback } from "../../shared/runtime/rollback.ts";
import { markVersionCold, markVersionGood } from "../../shared/runtime/traffic.ts";
import { moveTo, RANKER, until } from "../support/gateway-fixture.ts";
import { createModelServers, killBackend, type ModelServers } from "../support/model-servers.ts";

const DRIVERS = 6;

describe("real model servers behind the gateway", () => {
  let servers: ModelServers;
  let traffic: LocalTraffic;
  let gateway: Gateway;
  let deploys: LocalDeploys;
  let url: string;
  let [one, two] = [{} as ReleaseRequest, {} as ReleaseRequest];

  /** Deploys and gateway as one process of ours would compose them, on the same folder. */
  async function compose(): Promise<void> {
    traffic = await createTraffic({ directory: join(servers.folder, "traffic") });
    deploys = servers.deploys({ drained: (backend, timeoutMs) => gateway.drained(backend, timeoutMs) });
    gateway = createGateway({ traffic, backends: (backend) => deploys.address(backend), clock: systemClock });
    await deploys.start();
    url = await gateway.listen(0);
  }

  const ready = (request: ReleaseRequest) =>
    until(`${request.backend} to be ready`, () => deploys.address(request.backend).state === "ready");
  const ports = () => ({ traffic, deploys, clock: systemClock });

  /** Sends predictions until it is stopped; answers how they ended. */
  function drive() {
    const load = { running: true, statuses: [] as number[], reasons: [] as (string | null)[] };
    const drivers = Array.from({ length: DRIVERS }, async () => {
      while (load.running) {
        const response = await fetch(`${url}/ranker/v1/predict`, {
          method: "POST",
          body: JSON.stringify({ items: [{ id: "a", features: { rating: 3 } }] }),
        });
        const body: unknown = await response.json().catch(() => undefined);
        load.statuses.push(response.status);
        if (response.status !== 200) load.reasons.push(response.headers.get("x-signalbox-reason"));
        else expect(body).toEqual({ model: "ranker", ranked: [{ id: "a", score: 3 }] });
      }
    });
    return {
      load,
      failed: () => load.statuses.filter((status) => status !== 200).length,
      more: (count: number) => {
        const before = load.statuses.length;
        return until("more traffic", () => load.statuses.length >= before + count);
      },
      async stop() {
        load.running = false;
        await Promise.all(drivers);
      },
    };
  }

  beforeEach(async () => {
    servers = await createModelServers();
    await compose();
    one = await servers.request(1, { weights: { rating: 1 }, latencyMs: 2 });
    two = await servers.request(2, { weights: { rating: 1 }, latencyMs: 2 });
    await Promise.all([deploys.prepare(one), deploys.prepare(two)]);
    await Promise.all([ready(one), ready(two)]);
    await moveTo(traffic, "first", { [one.modelVersion]: 100 });
    await markVersionGood(ports(), RANKER, one.modelVersion);
  });
  afterEach(async () => {
    await gateway.close(0);
    await servers.dispose();
  });

  it("lose no request from canary to promotion, rollback and retirement", async () => {
    const traffickers = drive();
    for (const share of [5, 25, 50]) {
      await moveTo(traffic, "advance", { [one.modelVersion]: 100 - share, [two.modelVersion]: share });
      await traffickers.more(100);
    }
    await moveTo(traffic, "advance", { [two.modelVersion]: 100 });
    await traffickers.more(100);
    const result = await rollback(ports(), {
      endpoint: RANKER,
      actor: "grace",
      reason: "wrong prices",
      from: two.modelVersion,
    });
    expect(result).toMatchObject({ to: one.modelVersion, alreadyMoved: false });
    await markVersionCold(ports(), RANKER, two.modelVersion);
    await deploys.retire(two.backend);
    await traffickers.more(100);
    await traffickers.stop();
    expect(traffickers.load.reasons).toEqual([]);
    expect(deploys.address(two.backend).state).toBe("cold");
    console.info(
      `rollback under load: ${result.milliseconds} ms, ${traffickers.load.statuses.length} requests, ${traffickers.failed()} failed`,
    );
  });

  it("answer as their artifact says: one in ten fails, exactly", async () => {
    const faulty = await servers.request(3, { errorRate: 0.1 });
    await deploys.prepare(faulty);
    await ready(faulty);
    await moveTo(traffic, "advance", { [faulty.modelVersion]: 100 });
    const statuses: number[] = [];
    for (let count = 0; count < 100; count++) statuses.push((await fetch(`${url}/ranker/v1/predict`)).status);
    expect(statuses.filter((status) => status === 500)).toHaveLength(10);
  });

  it("that are killed with -9 fail only what was theirs, and a rollback goes past them", async () => {
    await moveTo(traffic, "advance", { [two.modelVersion]: 100 });
    const third = await servers.request(3, { weights: { rating: 1 } });
    await deploys.prepare(third);
    await ready(third);
    await moveTo(traffic, "advance", { [third.modelVersion]: 100 });
    const traffickers = drive();
    await traffickers.more(50);
    await killBackend(servers, two.backend);
    await until("the death to be seen", () => deploys.address(two.backend).state === "unready");
    const result = await rollback(ports(), {
      endpoint: RANKER,
      actor: "grace",
      reason: "wrong prices",
      from: third.modelVersion,
    });
    expect(result.to).toBe(one.modelVersion);
    await traffickers.more(50);
    await traffickers.stop();
    expect(traffickers.failed()).toBe(0);
    await ready(two);
  });

  it("that are killed with -9 while they serve come back, and every failure says why", async () => {
    const traffickers = drive();
    await traffickers.more(50);
    await killBackend(servers, one.backend);
    await until("the death to be seen", () => deploys.address(one.backend).state === "unready");
    await ready(one);
    await traffickers.stop();
    expect(traffickers.failed()).toBeGreaterThan(0);
    expect(new Set(traffickers.load.reasons)).toEqual(new Set(["backend-unavailable"]));
    expect((await fetch(`${url}/ranker/v1/predict`)).status).toBe(200);
  });

  it("serve on after a restart of gateway and deploys, from the document and the records alone", async () => {
    await moveTo(traffic, "advance", { [one.modelVersion]: 50, [two.modelVersion]: 50 });
    await gateway.close(1_000);
    await deploys.close("leave");
    await compose();
    const versions = new Set<string | null>();
    for (let count = 0; count < 40; count++) {
      const response = await fetch(`${url}/ranker/v1/predict`);
      await response.text();
      expect(response.status).toBe(200);
      versions.add(response.headers.get("x-signalbox-version"));
    }
    expect(versions).toEqual(new Set([one.modelVersion, two.modelVersion]));
  });
});
