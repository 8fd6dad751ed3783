// A storm of 10,000 copies of one delivery: how long until all are answered, with how much memory? And from spawn to the first one taken?
// node scripts/launch.mjs bench/webhook-storm.bench.ts
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tell } from "./best-of.ts";
import { BENCH_SECRET, deliveryRequest } from "./deliveries.ts";
import { figuresOf, ms } from "./figures.ts";
import { load } from "./http-load.ts";
import { startServer } from "./server-process.ts";

const COPIES = 10_000;
const STARTS = 7;

const state = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
mkdirSync(join(state, "secrets"), { mode: 0o700 });
writeFileSync(join(state, "secrets", "github-webhook"), BENCH_SECRET, { mode: 0o600 });
const start = () => startServer("../services/webhook/main.ts", { SIGNALBOX_STATE: state, PORT: "0" });

const first: number[] = [];
for (let run = 0; run < STARTS; run += 1) {
  const begun = performance.now();
  const server = await start();
  const { failed } = await load(server.url, { connections: 1, count: 1 }, () => deliveryRequest(run));
  if (failed > 0) throw new Error("The first delivery was refused.");
  first.push(performance.now() - begun);
  await server.stop();
}
tell("spawn → first accepted delivery, median", ms(figuresOf(first).p50));

const server = await start();
await load(server.url, { connections: 50, count: 1_000 }, (index) => deliveryRequest(1_000_000 + index));
const before = server.peakMegabytes();
const copy = deliveryRequest(-1, "storm");
// Half of them come again under the same id, half as the same content under an id of their own.
const storm = await load(server.url, { connections: 100, count: COPIES }, (index) =>
  index % 2 === 0 ? copy : { ...copy, headers: { ...copy.headers, "x-github-delivery": `storm-${index}` } },
);
tell(`${COPIES} duplicates, all answered after`, `${(storm.count / storm.perSecond).toFixed(1)} s`);
tell("of them refused or lost", `${storm.failed}`, "0");
tell("p50, p99 of an answer", `${ms(storm.p50)}, ${ms(storm.p99)}`);
tell("peak memory before and after", `${before.toFixed(0)} and ${server.peakMegabytes().toFixed(0)} MB`);
await server.stop();
rmSync(state, { recursive: true, force: true });
