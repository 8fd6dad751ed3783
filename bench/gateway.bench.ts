// How many requests does the gateway pass on with one core, how much later, against a bare Node proxy? How many fail while it switches?
// node scripts/launch.mjs bench/gateway.bench.ts
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTraffic } from "../shared/adapters/local/traffic.ts";
import { readTraffic } from "../shared/runtime/traffic.ts";
import { grouped, tell } from "./best-of.ts";
import { ms } from "./figures.ts";
import { load, type LoadRequest } from "./http-load.ts";
import { startServer } from "./server-process.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const ROUNDS = 3;
const SECONDS = 2;
const SWITCHES = 60;
/** Long enough for all switches on a busy machine. */
const SWITCHING_SECONDS = 20;

const answer = JSON.stringify({ scores: Array.from({ length: 20 }, (_, index) => index / 20) });
const backend = createServer((_, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": answer.length });
  response.end(answer);
});
await new Promise<void>((listening) => backend.listen(0, "127.0.0.1", listening));
const origin = `http://127.0.0.1:${(backend.address() as AddressInfo).port}`;
const at = (url: string): (() => LoadRequest) => {
  const { pathname } = new URL(url);
  return () => ({ method: "GET", path: `${pathname}/v1/predict` });
};

console.log(`Gateway, ${ROUNDS} rounds of ${SECONDS} s, one small backend\n`);
console.log(
  "| | requests per second of one core | one connection p50 | p99 | 50 connections p99 |\n|---|---|---|---|---|",
);
const direct = await load(origin, { connections: 1, seconds: SECONDS }, at(`${origin}/ranker`));
console.log(`| without a proxy | – | ${ms(direct.p50)} | ${ms(direct.p99)} | – |`);
const directory = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
const start = (proxy: string) =>
  startServer("gateway-server.ts", {
    BACKEND: origin,
    PROXY: proxy,
    TRAFFIC: directory,
    SWITCHES: String(SWITCHES),
  });
const best = new Map<string, { perCpu: number; p50: number; p99: number; busy: number }>();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, proxy] of [
    ["bare Node proxy", "bare"],
    ["gateway", "gateway"],
  ] as const) {
    const server = await start(proxy);
    const { origin: door } = new URL(server.url);
    await load(door, { connections: 50, seconds: 1 }, at(server.url));
    const one = await load(door, { connections: 1, seconds: SECONDS }, at(server.url));
    const before = server.cpuSeconds();
    const many = await load(door, { connections: 50, seconds: SECONDS }, at(server.url));
    const perCpu = many.count / (server.cpuSeconds() - before);
    if (one.failed + many.failed > 0) throw new Error(`${name} failed ${one.failed + many.failed} requests`);
    if (perCpu > (best.get(name)?.perCpu ?? 0))
      best.set(name, { perCpu, p50: one.p50, p99: one.p99, busy: many.p99 });
    await server.stop();
  }
}
for (const [name, { perCpu, p50, p99, busy }] of best)
  console.log(`| ${name} | ${grouped(perCpu)} | ${ms(p50)} | ${ms(p99)} | ${ms(busy)} |`);
const ratio =
  (best.get("gateway")?.perCpu ?? Number.NaN) / (best.get("bare Node proxy")?.perCpu ?? Number.NaN);
tell("\ngateway against the bare proxy, per core", `${ratio.toFixed(2)} ×`);

const server = await start("gateway");
const { epoch: before } = (await readTraffic(await createTraffic({ directory }), ENDPOINT)).traffic;
server.signal("SIGUSR2");
const during = await load(
  new URL(server.url).origin,
  { connections: 50, seconds: SWITCHING_SECONDS },
  at(server.url),
);
const { epoch } = (await readTraffic(await createTraffic({ directory }), ENDPOINT)).traffic;
tell(`switches made during ${during.count} requests`, `${epoch - before}`, `${SWITCHES}`);
tell(`failed of them`, `${during.failed}`, "0");
await server.stop();
backend.close();
rmSync(directory, { recursive: true, force: true });
if (during.failed > 0 || epoch - before !== SWITCHES) process.exitCode = 1;
