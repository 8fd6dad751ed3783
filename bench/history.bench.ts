// What does a long history cost: start, memory, a page of facts and a delivery, after none, 100,000 and 1,000,000 facts?
// node scripts/launch.mjs bench/history.bench.ts
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deliver, pushDelivery } from "../scripts/tour/github-delivery.ts";
import { openDatabase } from "../shared/adapters/local/database.ts";
import { createLedger } from "../shared/adapters/local/ledger.ts";
import { createOutbox } from "../shared/adapters/local/outbox.ts";
import { startInstallationProcess } from "../test/support/installation-process.ts";
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

const residentMegabytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const begun = performance.now();
    await work();
    times.push(performance.now() - begun);
  }
  return figuresOf(times).p50;
}

console.log(
  "| facts | file | start, best of 3 | memory | first page of facts | delivery accepted |\n|---|---|---|---|---|---|",
);
let had = 0;
let sent = 0;
for (const facts of HISTORIES) {
  await grow(had, facts);
  had = facts;
  let start = Number.POSITIVE_INFINITY;
  const cells: string[] = [];
  for (let run = 0; run < STARTS; run += 1) {
    const begun = performance.now();
    const installation = await startInstallationProcess({ state: folder });
    start = Math.min(start, performance.now() - begun);
    if (run === STARTS - 1) {
      const page = await timed(() => installation.api.call("GET", "/v1/facts?pageSize=50"));
      const delivery = await timed(() => {
        sent += 1;
        const commit = sent.toString(16).padStart(40, "0");
        const repository = { id: 1, fullName: "acme/absent", defaultBranch: "main" };
        const { url, webhookSecret } = installation;
        return deliver(url, webhookSecret, {
          ...pushDelivery(repository, commit, commit, "ada"),
          event: "ping",
        });
      });
      cells.push(`${grouped(residentMegabytes(installation.pid))} MB`, ms(page), ms(delivery));
    }
    await installation.stop();
  }
  const size = `${grouped(statSync(file).size / 1e6)} MB`;
  console.log(`| ${[grouped(facts), size, `${grouped(start)} ms`, ...cells].join(" | ")} |`);
}
rmSync(folder, { recursive: true, force: true });
