import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Pool } from "undici";
import { choose, destinations } from "../../shared/adapters/local/gateway-route.ts";
import { createTraffic } from "../../shared/adapters/local/traffic.ts";
import { backendName } from "../../shared/domain/backend.ts";
import { DEADLINE_MS, RANKER, until, version, useGateway } from "../support/gateway-fixture.ts";

const ranker = useGateway();
const v1 = version(1);
const v2 = version(2);
const hello = (text: string) => (_request: IncomingMessage, response: ServerResponse) =>
  void response.end(text);

describe("the path of a request", () => {
  it.each([
    [
      "/search/ranker/v1/predict?k=1",
      [
        ["teams/search/endpoints/ranker", "/v1/predict?k=1"],
        ["teams/default/endpoints/search", "/ranker/v1/predict?k=1"],
      ],
    ],
    ["/ranker", [["teams/default/endpoints/ranker", "/"]]],
    ["/ranker?x=/a/b", [["teams/default/endpoints/ranker", "/?x=/a/b"]]],
    ["/ranker//double", [["teams/default/endpoints/ranker", "//double"]]],
    ["/", []],
    ["/Ranker/x", []],
    ["/..%2f/x", []],
    ["*", []],
    ["http://elsewhere/ranker", []],
  ])("%s means %j", (path, meant) => {
    expect(destinations(path).map((each) => [each.endpoint, each.path])).toEqual(meant);
  });

  it("leads to the endpoint of a team, or of the default team without naming it", async () => {
    await ranker.backend(v1, (request, response) => void response.end(request.url));
    const other = "teams/search/endpoints/ranker";
    ranker.addresses.set(
      backendName(other, v1),
      ranker.addresses.get(backendName(RANKER, v1)) ?? { state: "unknown" },
    );
    await ranker.move("first", { [v1]: 100 });
    await ranker.move("first", { [v1]: 100 }, other);
    for (const path of [
      "/ranker/v1/predict?k=1",
      "/default/ranker/v1/predict?k=1",
      "/search/ranker/v1/predict?k=1",
    ]) {
      const response = await fetch(`${ranker.url}${path}`);
      expect(await response.text()).toBe("/v1/predict?k=1");
      expect(response.headers.get("x-signalbox-version")).toBe(v1);
    }
  });
});

describe("a refusal", () => {
  it("names its reason: no version, starting, not running", async () => {
    const refusal = async () => {
      const response = await fetch(`${ranker.url}/ranker/v1/predict`);
      await response.text();
      expect(response.headers.get("retry-after")).toBe("1");
      return [response.status, response.headers.get("x-signalbox-reason")];
    };
    expect(await refusal()).toEqual([503, "no-version"]);
    await ranker.move("first", { [v1]: 100 });
    expect(await refusal()).toEqual([503, "not-ready"]);
    ranker.addresses.set(backendName(RANKER, v1), { state: "preparing" });
    expect(await refusal()).toEqual([503, "not-ready"]);
    expect(ranker.metric("requests_total", v1)).toBe(0);
    ranker.addresses.set(backendName(RANKER, v1), { state: "unready", origin: "http://127.0.0.1:9" });
    expect(await refusal()).toEqual([503, "backend-unavailable"]);
    expect([ranker.metric("requests_total", v1), ranker.metric("request_errors_total", v1)]).toEqual([1, 1]);
    expect((await fetch(`${ranker.url}/NOT-A-NAME`)).status).toBe(404);
  });

  it("is given for a damaged document, while other endpoints are served", async () => {
    await ranker.backend(v1, hello("one"));
    await ranker.move("first", { [v1]: 100 });
    await writeFile(join(ranker.directory, "search.ranker.json"), "{");
    const second = ranker.another();
    const base = await second.listen(0);
    const damaged = await fetch(`${base}/search/ranker/x`);
    expect([damaged.status, damaged.headers.get("x-signalbox-reason")]).toEqual([503, "traffic-unreadable"]);
    expect(await (await fetch(`${base}/ranker/x`)).text()).toBe("one");
    await second.close(0);
  });

  it("serves from the document after a restart of the gateway", async () => {
    await ranker.backend(v1, hello("one"));
    await ranker.move("first", { [v1]: 100 });
    await ranker.gateway.close(0);
    ranker.traffic = await createTraffic({ directory: ranker.directory });
    ranker.gateway = ranker.another();
    ranker.url = await ranker.gateway.listen(0);
    expect(await (await fetch(`${ranker.url}/ranker/x`)).text()).toBe("one");
  });
});

describe("weights", () => {
  it("are drawn per request and kept over many", () => {
    const choices = [
      { backend: "a", version: "1", weight: 95 },
      { backend: "b", version: "2", weight: 5 },
    ];
    const drawn = Array.from(
      { length: 1_000 },
      (_, index) => choose(choices, () => (index + 0.5) / 1_000)?.backend,
    );
    expect(drawn.filter((name) => name === "b")).toHaveLength(50);
    expect(choose([], () => 0.5)).toBeUndefined();
  });

  it("switch sixty times under load without one failed request", async () => {
    await ranker.backend(v1, hello("one"));
    await ranker.backend(v2, hello("two"));
    await ranker.move("first", { [v1]: 100 });
    const pool = new Pool(ranker.url, { connections: 8 });
    const seen = new Map<string, number>();
    const load = { running: true, failed: 0 };
    const drive = async () => {
      while (load.running) {
        const { statusCode, body } = await pool.request({
          path: "/ranker/v1/predict",
          method: "POST",
          body: '{"items":[]}',
        });
        const text = await body.text();
        if (statusCode !== 200) load.failed += 1;
        seen.set(text, (seen.get(text) ?? 0) + 1);
      }
    };
    const drivers = Array.from({ length: 8 }, drive);
    // At least 60 switches, and as many more as a busy machine needs until enough requests were there to notice one.
    const few = () => (seen.get("one") ?? 0) <= 50 || (seen.get("two") ?? 0) <= 50;
    for (let turn = 1; turn <= 60 || (few() && turn <= 2_000); turn++) {
      const share = (turn * 37) % 101;
      await ranker.move("advance", { [v1]: 100 - share, [v2]: share });
      await wait(5);
    }
    load.running = false;
    await Promise.all(drivers);
    await pool.close();
    expect(load.failed).toBe(0);
    expect(seen.get("one")).toBeGreaterThan(50);
    expect(seen.get("two")).toBeGreaterThan(50);
    expect(ranker.metric("requests_total", v1) + ranker.metric("requests_total", v2)).toBe(
      [...seen.values()].reduce((sum, count) => sum + count),
    );
  });

  it("lose no request when the losing backend stops after it has drained", async () => {
    await ranker.backend(v1, hello("one"));
    const slow = await ranker.backend(
      v2,
      (_request, response) => void setTimeout(() => response.end("two"), 30),
    );
    await ranker.move("first", { [v1]: 100 });
    await ranker.move("advance", { [v1]: 50, [v2]: 50 });
    const statuses: number[] = [];
    const load = { running: true };
    const drivers = Array.from({ length: 8 }, async () => {
      while (load.running) {
        const response = await fetch(`${ranker.url}/ranker/x`, { method: "POST", body: "x" });
        await response.text();
        statuses.push(response.status);
      }
    });
    await until("traffic to both", () => ranker.metric("requests_total", v2) > 20);
    expect(await ranker.gateway.drained(backendName(RANKER, v2), 20)).toBe(false);
    await ranker.move("rollback", { [v1]: 100 });
    expect(await ranker.gateway.drained(backendName(RANKER, v2), DEADLINE_MS)).toBe(true);
    slow.closeAllConnections();
    slow.close();
    const before = statuses.length;
    await until("more traffic", () => statuses.length > before + 50);
    load.running = false;
    await Promise.all(drivers);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });
});

describe("the metrics", () => {
  it("name the instance, and every weighted backend from its first weight on", async () => {
    await ranker.backend(v1, hello("one"));
    await ranker.move("first", { [v1]: 100 });
    const response = await fetch(`${ranker.url}/metrics`);
    const text = await response.text();
    expect(response.headers.get("content-type")).toContain("version=0.0.4");
    expect(text).toMatch(/^process_start_time_seconds \d+\.\d+$/m);
    expect(text).toMatch(/^signalbox_gateway_info\{instance="\d+-\d+"\} 1$/m);
    expect(ranker.metric("requests_total", v1)).toBe(0);
    await (await fetch(`${ranker.url}/ranker/x`)).text();
    await until("the request to end", () => ranker.metric("requests_total", v1) === 1);
    expect(ranker.metric("request_duration_seconds_count", v1)).toBe(1);
    expect(ranker.metric("request_duration_seconds_sum", v1)).toBeGreaterThan(0);
    expect(ranker.metric("requests_in_flight", v1)).toBe(0);
  });
});

describe("a port that is taken", () => {
  it("is told, and another one can be tried", async () => {
    const second = ranker.another();
    await expect(second.listen(Number(new URL(ranker.url).port))).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    expect((await fetch(`${await second.listen(0)}/metrics`)).status).toBe(200);
    await second.close(0);
  });
});

describe("closing", () => {
  it("lets a request in flight end within the grace time", async () => {
    let finish: () => void = () => undefined;
    await ranker.backend(v1, (_request, response) => {
      finish = () => void response.end("late");
    });
    await ranker.move("first", { [v1]: 100 });
    const answer = fetch(`${ranker.url}/ranker/x`).then((response) => response.text());
    await until("the request", () => ranker.inFlight(v1) === 1);
    const closed = ranker.gateway.close(DEADLINE_MS);
    await wait(20);
    finish();
    expect(await answer).toBe("late");
    await closed;
  });
});
