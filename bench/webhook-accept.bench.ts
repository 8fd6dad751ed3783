// How many deliveries does the webhook take on one core, against Probot and against fastify with one HMAC? What does the disk cost?
// Ours decides behind the door: "taken" counts the time until the last answer, "whole" until the last decision as well.
// npm ci --prefix bench/peers && node scripts/launch.mjs bench/webhook-accept.bench.ts
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { until } from "../test/support/until.ts";
import { grouped } from "./best-of.ts";
import { BENCH_SECRET, deliveryRequest } from "./deliveries.ts";
import { tellDurableWrites } from "./durable-write.ts";
import { ms } from "./figures.ts";
import { load, type LoadFigures } from "./http-load.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

const ROUNDS = 3;
const SECONDS = 3;
const CONNECTIONS = 50;
const DECIDED_MS = 120_000;
/** A file system in memory: what syncing to it costs nothing. */
const MEMORY = "/dev/shm";

const folders: string[] = [];
let sent = 0;

interface Contender extends ServerProcess {
  /** Resolves when nothing of what was taken is left to do. */
  idle(): Promise<void>;
}

/** Waits until every receipt in this state folder is settled. */
async function decided(state: string): Promise<void> {
  const db = new DatabaseSync(join(state, "ledger.db"), { readOnly: true });
  const pending = db.prepare("SELECT 1 FROM receipts WHERE outcome IS NULL LIMIT 1");
  await until("all is decided", async () => pending.get() === undefined || undefined, DECIDED_MS);
  db.close();
}

async function peer(program: string): Promise<Contender> {
  return { ...(await startServer(program, { WEBHOOK_SECRET: BENCH_SECRET })), idle: async () => undefined };
}

async function ours(parent: string): Promise<Contender> {
  const state = mkdtempSync(join(parent, "signalbox-bench-"));
  folders.push(state);
  mkdirSync(join(state, "secrets"), { mode: 0o700 });
  writeFileSync(join(state, "secrets", "github-webhook"), BENCH_SECRET, { mode: 0o600 });
  const server = await startServer("../services/webhook/main.ts", { SIGNALBOX_STATE: state, PORT: "0" });
  return { ...server, idle: () => decided(state) };
}

const PEERS: Readonly<Record<string, () => Promise<Contender>>> = {
  "fastify + HMAC": () => peer("peers/bare-fastify.mjs"),
  ...(existsSync(join(import.meta.dirname, "peers/node_modules"))
    ? { "Probot, empty handler": () => peer("peers/probot.mjs") }
    : {}),
  Signalbox: () => ours(tmpdir()),
  ...(existsSync(MEMORY) ? { "Signalbox, memory for a disk": () => ours(MEMORY) } : {}),
};

interface Result extends LoadFigures {
  readonly megabytes: number;
  /** Taken, and taken and decided, per second of the server's processor. */
  readonly taken: number;
  readonly whole: number;
}

const best = new Map<string, Result>();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, start] of Object.entries(PEERS)) {
    const server = await start();
    await load(server.url, { connections: CONNECTIONS, seconds: 1 }, () => deliveryRequest(sent++));
    await server.idle();
    const before = server.cpuSeconds();
    const figures = await load(server.url, { connections: CONNECTIONS, seconds: SECONDS }, () =>
      deliveryRequest(sent++),
    );
    if (figures.failed > 0)
      throw new Error(`${name} refused ${figures.failed} of ${figures.count} deliveries`);
    const taken = figures.count / (server.cpuSeconds() - before);
    await server.idle();
    const whole = figures.count / (server.cpuSeconds() - before);
    // The whole decides which round was best: what is only put off must not win.
    if (whole > (best.get(name)?.whole ?? 0))
      best.set(name, { ...figures, taken, whole, megabytes: server.peakMegabytes() });
    await server.stop();
  }
}
for (const folder of folders) rmSync(folder, { recursive: true, force: true });

console.log(`Webhook accept, 6 KB, ${CONNECTIONS} connections, best of ${ROUNDS} rounds of ${SECONDS} s\n`);
console.log(
  "| server | taken per second of one core | × Probot | whole | × Probot | deliveries/s | p50 | p99 | memory |",
);
console.log("|---|---|---|---|---|---|---|---|---|");
const probot = best.get("Probot, empty handler");
const ratio = (mine: number, its = Number.NaN): string => (mine / its).toFixed(2);
for (const [name, { taken, whole, perSecond, p50, p99, megabytes }] of best) {
  const cells = [
    name,
    grouped(taken),
    ratio(taken, probot?.taken),
    grouped(whole),
    ratio(whole, probot?.whole),
    grouped(perSecond),
    ms(p50),
    ms(p99),
    `${grouped(megabytes)} MB`,
  ];
  console.log(`| ${cells.join(" | ")} |`);
}
console.log();
tellDurableWrites();
