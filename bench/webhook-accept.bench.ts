// How many deliveries does the webhook take on one core, against Probot and against fastify with one HMAC? What does the disk cost?
// npm ci --prefix bench/peers && node scripts/launch.mjs bench/webhook-accept.bench.ts
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grouped } from "./best-of.ts";
import { BENCH_SECRET, deliveryRequest } from "./deliveries.ts";
import { ms } from "./figures.ts";
import { load, type LoadFigures } from "./http-load.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const ROUNDS = 3;
const SECONDS = 3;
const CONNECTIONS = 50;
/** A file system in memory: what syncing to it costs nothing. */
const MEMORY = "/dev/shm";

const folders: string[] = [];
let sent = 0;

async function ours(parent: string): Promise<ServerProcess> {
  const state = mkdtempSync(join(parent, "signalbox-bench-"));
  folders.push(state);
  mkdirSync(join(state, "secrets"), { mode: 0o700 });
  writeFileSync(join(state, "secrets", "github-webhook"), BENCH_SECRET, { mode: 0o600 });
  return startServer("../services/webhook/main.ts", { SIGNALBOX_STATE: state, PORT: "0" });
}

const PEERS: Readonly<Record<string, () => Promise<ServerProcess>>> = {
  "fastify + HMAC": () => startServer("peers/bare-fastify.mjs", { WEBHOOK_SECRET: BENCH_SECRET }),
  ...(existsSync(join(import.meta.dirname, "peers/node_modules"))
    ? { "Probot, empty handler": () => startServer("peers/probot.mjs", { WEBHOOK_SECRET: BENCH_SECRET }) }
    : {}),
  Signalbox: () => ours(tmpdir()),
  ...(existsSync(MEMORY) ? { "Signalbox, memory for a disk": () => ours(MEMORY) } : {}),
};

const best = new Map<string, LoadFigures & { readonly megabytes: number; readonly perCpuSecond: number }>();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, start] of Object.entries(PEERS)) {
    const server = await start();
    await load(server.url, { connections: CONNECTIONS, seconds: 1 }, () => deliveryRequest(sent++));
    const before = server.cpuSeconds();
    const figures = await load(server.url, { connections: CONNECTIONS, seconds: SECONDS }, () =>
      deliveryRequest(sent++),
    );
    if (figures.failed > 0)
      throw new Error(`${name} refused ${figures.failed} of ${figures.count} deliveries`);
    const perCpuSecond = figures.count / (server.cpuSeconds() - before);
    if (perCpuSecond > (best.get(name)?.perCpuSecond ?? 0))
      best.set(name, { ...figures, perCpuSecond, megabytes: server.peakMegabytes() });
    await server.stop();
  }
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true });

console.log(`Webhook accept, 6 KB, ${CONNECTIONS} connections, best of ${ROUNDS} rounds of ${SECONDS} s\n`);
console.log("| server | deliveries per second of one core | × Probot | deliveries/s | p50 | p99 | memory |");
console.log("|---|---|---|---|---|---|---|");
const probot = best.get("Probot, empty handler")?.perCpuSecond ?? Number.NaN;
for (const [name, { perCpuSecond, perSecond, p50, p99, megabytes }] of best) {
  const ratio = (perCpuSecond / probot).toFixed(2);
  const cells = [
    name,
    grouped(perCpuSecond),
    ratio,
    grouped(perSecond),
    ms(p50),
    ms(p99),
    `${grouped(megabytes)} MB`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
