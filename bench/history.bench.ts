// What does a long history cost: start, memory, a page of facts and a delivery, after none, 100,000 and 1,000,000 facts? And what
// does tracing add to the start? By the clock, and in time of the processor, which other work on the machine stretches less.
// node scripts/launch.mjs bench/history.bench.ts
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deliver, pushDelivery } from "../scripts/tour/github-delivery.ts";
import { openDatabase } from "../shared/adapters/local/database.ts";
import { createLedger } from "../shared/adapters/local/ledger.ts";
import { createOutbox } from "../shared/adapters/local/outbox.ts";
import { type InstallationProcess, startInstallationProcess } from "../test/support/installation-process.ts";
import { grouped } from "./best-of.ts";
import { figuresOf, ms } from "./figures.ts";
import { MOVED_AT, movedBatch } from "./moved-facts.ts";

const HISTORIES = [0, 100_000, 1_000_000];
/** Facts of one endpoint; so many are written at a time, a commit for each round over all endpoints. */
const FACTS_PER_STREAM = 1_000;
const STREAMS_AT_ONCE = 500;
const STARTS = 3;
const CALLS = 30;

const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
const file = join(folder, "ledger.db");

/** Writes facts through the ledger until there are so many, published as they would be by now. */
async function grow(from: number, to: number): Promise<void> {
  const db = openDatabase(file);
  const [ledger, outbox] = [createLedger(db), createOutbox(db)];
  for (let first = from / FACTS_PER_STREAM; first < to / FACTS_PER_STREAM; first += STREAMS_AT_ONCE) {
    const count = Math.min(STREAMS_AT_ONCE, to / FACTS_PER_STREAM - first);
    const streams = Array.from({ length: count }, (_, at) => `teams/default/endpoints/e${first + at}`);
    for (let epoch = 1; epoch <= FACTS_PER_STREAM; epoch += 1) {
      const batches = streams.map((stream) => movedBatch(stream, epoch));
      await Promise.all(batches.map((batch) => ledger.append(batch)));
      const ids = batches.flatMap(({ facts }) => facts.map(({ id }) => id));
      await Promise.all(ids.map((id) => outbox.settle(id, { published: true, time: MOVED_AT })));
    }
  }
  db.close();
}

/** Unit of processor times under /proc on Linux (proc(5), sysconf _SC_CLK_TCK). */
const TICKS_PER_SECOND = 100;

/** Processor time of a process so far, in milliseconds. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000;
}

/** A collector that nobody runs: what is measured is what making spans costs, not sending them. */
const TRACED = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };

const residentMegabytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;

/** The median by the clock, and the mean in time of that process's processor. */
async function timed(pid: number, work: () => Promise<unknown>): Promise<string> {
  const times: number[] = [];
  const before = processorMs(pid);
  for (let call = 0; call < CALLS; call += 1) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return `${ms(figuresOf(times).p50)}, ${ms((processorMs(pid) - before) / CALLS)}`;
}

/** The least of some starts by the clock and in time of the processor. */
async function started(
  env: Readonly<Record<string, string>>,
  use: (up: InstallationProcess) => Promise<void>,
) {
  const least = { ms: Number.POSITIVE_INFINITY, processorMs: Number.POSITIVE_INFINITY };
  for (let run = 1; run <= STARTS; run += 1) {
    const begun = performance.now();
    const up = await startInstallationProcess({ state: folder, env });
    least.ms = Math.min(least.ms, performance.now() - begun);
    least.processorMs = Math.min(least.processorMs, processorMs(up.pid));
    if (run === STARTS) await use(up);
    await up.stop();
  }
  return `${grouped(least.ms)} ms, ${grouped(least.processorMs)} ms`;
}

console.log(
  "| facts | file | start (clock, processor) | start with tracing | memory | first page of facts | delivery accepted |\n|---|---|---|---|---|---|---|",
);
let had = 0;
let sent = 0;
for (const facts of HISTORIES) {
  await grow(had, facts);
  had = facts;
  const cells: string[] = [];
  const start = await started({}, async ({ pid, url, webhookSecret, api }) => {
    const page = await timed(pid, () => api.call("GET", "/v1/facts?pageSize=50"));
    const delivery = await timed(pid, () => {
      sent += 1;
      const commit = sent.toString(16).padStart(40, "0");
      const repository = { id: 1, fullName: "acme/absent", defaultBranch: "main" };
      return deliver(url, webhookSecret, {
        ...pushDelivery(repository, commit, commit, "ada"),
        event: "ping",
      });
    });
    cells.push(`${grouped(residentMegabytes(pid))} MB`, page, delivery);
  });
  const traced = await started(TRACED, async () => undefined);
  const size = `${grouped(statSync(file).size / 1e6)} MB`;
  console.log(`| ${[grouped(facts), size, start, traced, ...cells].join(" | ")} |`);
}
rmSync(folder, { recursive: true, force: true });
