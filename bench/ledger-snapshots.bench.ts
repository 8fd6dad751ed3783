// How long it takes to load an endpoint whose stream has 10,000 facts, folded whole and from its snapshot on.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "../shared/adapters/local/database.ts";
import { createLedger } from "../shared/adapters/local/ledger.ts";
import { endpoint } from "../shared/domain/endpoint.ts";
import { factId, type AnyFact } from "../shared/domain/fact.ts";
import { load, SNAPSHOT_EVERY_FACTS } from "../shared/runtime/record.ts";
import { grouped, tell } from "./best-of.ts";

const FACTS = 10_000;
const RUNS = 30;
const STREAM = "teams/default/endpoints/ranker";
const TIME = "2026-01-01T00:00:00.000Z";

const moved = (epoch: number): AnyFact => ({
  id: factId(STREAM, `c${epoch}`, 0),
  type: "traffic.moved",
  subject: STREAM,
  version: epoch,
  time: TIME,
  cause: `c${epoch}`,
  correlation: "",
  actor: "services/rollout",
  data: {
    epoch,
    kind: "advance",
    moveCause: `${STREAM}/rollouts/ranker-${epoch}-1-abcd/step-0`,
    reason:
      "Inconclusive. Canary: 0 errors in 290 requests (0 %); control: 0 errors in 1,510 requests (0 %).",
    from: { "teams/default/models/ranker/versions/1": 100 },
    to: { "teams/default/models/ranker/versions/1": 95, "teams/default/models/ranker/versions/2": 5 },
    movedAt: TIME,
  },
});

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
await Promise.all(
  Array.from({ length: FACTS }, (_, index) => {
    const fact = moved(index + 1);
    const batch = {
      stream: STREAM,
      expected: index,
      cause: fact.cause,
      inputHash: "",
      facts: [fact],
      due: [],
    };
    return ledger.append({ ...batch, actor: fact.actor, time: TIME });
  }),
);
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
