// How many durable appends a second, by length of the stream and by how many write at once?
// node scripts/launch.mjs bench/ledger.bench.ts
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../shared/adapters/local/database.ts";
import { createLedger } from "../shared/adapters/local/ledger.ts";
import type { AnyFact } from "../shared/domain/fact.ts";
import type { Batch } from "../shared/ports/ledger.ts";
import { grouped } from "./best-of.ts";
import { figuresOf, ms } from "./figures.ts";

const APPENDS = 2_000;
const LONG = 20_000;

const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
const db = openDatabase(join(folder, "ledger.db"));
const ledger = createLedger(db);
const TIME = "2026-01-31T10:42:00.000Z";

function batch(stream: string, expected: number, writer = 0): Batch {
  const cause = `${stream}/${expected}/${writer}`;
  const fact = {
    id: `fact-${cause}`,
    type: "endpoint.held",
    subject: stream,
    version: expected + 1,
    time: TIME,
    cause,
    correlation: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    actor: "bench",
    data: { epoch: expected, cause, reason: "bench ".repeat(20) },
  } as unknown as AnyFact;
  return {
    stream,
    expected,
    cause,
    inputHash: "sha256:0",
    facts: [fact],
    due: [],
    actor: "bench",
    time: TIME,
  };
}

/** `writers` append at once, each to its own stream or, racing, to one. Lost races read the version again. */
async function appends(name: string, writers: number, racing: boolean, length: number): Promise<string> {
  const versions = new Map<string, number>();
  const streamOf = (writer: number): string => `bench/${name}/${racing ? 0 : writer}`;
  for (let writer = 0; writer < (racing ? 1 : writers); writer += 1) {
    const stream = streamOf(writer);
    for (let from = 0; from < length; from += 500)
      await Promise.all(
        Array.from({ length: 500 }, (_, index) => ledger.append(batch(stream, from + index))),
      );
    versions.set(stream, length);
  }
  const times: number[] = [];
  let lost = 0;
  let left = APPENDS;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const write = async (writer: number): Promise<void> => {
    const stream = streamOf(writer);
    while (left > 0) {
      left -= 1;
      const sent = performance.now();
      for (;;) {
        const expected = versions.get(stream) ?? 0;
        const answer = await ledger.append(batch(stream, expected, writer));
        if (answer === "appended") {
          versions.set(stream, expected + 1);
          break;
        }
        lost += 1;
      }
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const { p50, p99 } = figuresOf(times);
  const perCpu = APPENDS / ((user + system) / 1e6);
  return `| ${name} | ${grouped(APPENDS / seconds)} | ${grouped(perCpu)} | ${ms(p50)} | ${ms(p99)} | ${lost} |`;
}

console.log(`Durable appends of one fact with its cause and outbox row, ${APPENDS} each\n`);
console.log("| | appends/s | per second of processor | p50 | p99 | lost races |\n|---|---|---|---|---|---|");
console.log(await appends("one writer, empty stream", 1, false, 0));
console.log(await appends(`one writer, stream of ${LONG} facts`, 1, false, LONG));
console.log(await appends("50 writers, a stream each", 50, false, 0));
console.log(await appends("8 writers race on one stream", 8, true, 0));
db.close();
rmSync(folder, { recursive: true, force: true });
