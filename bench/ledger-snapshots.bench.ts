// How long it takes to load an endpoint whose stream has 10,000 facts, folded whole and from its snapshot on.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../shared/adapters/local/database.ts";
import { createLedger } from "../shared/adapters/local/ledger.ts";
import { endpoint } from "../shared/domain/endpoint.ts";
import { load, SNAPSHOT_EVERY_FACTS } from "../shared/runtime/record.ts";
import { grouped, tell } from "./best-of.ts";
import { movedBatch } from "./moved-facts.ts";

const FACTS = 10_000;
const RUNS = 30;
const STREAM = "teams/default/endpoints/ranker";

/** The best of `RUNS` runs in milliseconds. */
async function best(work: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run += 1) {
    const begin = performance.now();
    await work();
    least = Math.min(least, performance.now() - begin);
  }
  return least;
}

const folder = mkdtempSync(join(tmpdir(), "signalbox-bench-"));
const db = openDatabase(join(folder, "ledger.db"));
const ledger = createLedger(db);
await Promise.all(Array.from({ length: FACTS }, (_, index) => ledger.append(movedBatch(STREAM, index + 1))));
const { snapshots, ...plain } = endpoint;
const whole = await best(() => load(ledger, plain, STREAM));
const { state } = await load(ledger, plain, STREAM);
// The worst case of a stream that grows: the next snapshot is due with the next fact.
const version = FACTS - SNAPSHOT_EVERY_FACTS + 1;
if (snapshots !== undefined)
  await ledger.keepSnapshot(STREAM, snapshots, { version, state: snapshots.freeze(state) });
const quick = await best(() => load(ledger, endpoint, STREAM));
tell(`load of an endpoint with ${grouped(FACTS)} facts, folded whole`, `${whole.toFixed(1)} ms`);
tell(`the same from a snapshot ${SNAPSHOT_EVERY_FACTS - 1} facts back`, `${quick.toFixed(2)} ms`);
tell("ratio", `${(whole / quick).toFixed(0)} ×`);
db.close();
rmSync(folder, { recursive: true, force: true });
