// What a merged pull request and a canary cost, counted on Google's emulators by the adapters of the services, which run as processes.
//   node scripts/launch.mjs bench/cost.ts
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallCounts } from "../scripts/compose/call-counts.ts";
import { shippedWorkflow } from "../scripts/compose/shipped.ts";
import { readTopology } from "../scripts/compose/topology.ts";
import {
  countsFile,
  EMULATED_PROJECT,
  EMULATED_SERVICES,
  logFile,
  startEmulatedPlane,
} from "../scripts/emulated/plane.ts";
import { createNarrator } from "../scripts/tour/narrator.ts";
import { createPlatform, mergePullRequest, openPullRequest } from "../scripts/tour/provisioning.ts";
import { firstVersion, goodVersion } from "../scripts/tour/serving.ts";
import { createStage, type Stage } from "../scripts/tour/stage.ts";
import { tourOf } from "../scripts/tour/tour-of.ts";
import { openStore } from "../shared/adapters/google/firestore.ts";
import { LEDGER_COLLECTIONS, type Slot } from "../shared/adapters/google/ledger-documents.ts";
import { openDatabase } from "../shared/adapters/local/database.ts";
import { systemClock } from "../shared/adapters/system/clock.ts";
import { PEOPLE } from "../test/support/people.ts";
import { until } from "../test/support/until.ts";
import { stepCount } from "../workflows/engine/accounting/cost.ts";
import { programOf } from "../shared/adapters/local/executions-runner.ts";
import { type JournalEntry, resume } from "../workflows/engine/engine.ts";
import { costLines, totalUsd, type Usage } from "./cost-prices.ts";

/** Nothing new for so long: what was begun has come to its end. Longer than a step of the tour's policy. */
const QUIET_MS = 8_000;
const STEP_MS = 600_000;
const GOALS = { "merged pull request": 0.001, canary: 0.003 } as const;

process.env["METADATA_SERVER_DETECTION"] ??= "none";
const folder = mkdtempSync(join(tmpdir(), "signalbox-cost-"));
const plane = await startEmulatedPlane(folder, PEOPLE);
const store = openStore({ project: EMULATED_PROJECT, emulator: plane.emulators.firestore }, systemClock);
let slots: readonly Slot[] = [];
let changed = performance.now();
const unsubscribe = store.db.collection(LEDGER_COLLECTIONS.slots).onSnapshot(({ docs }) => {
  slots = docs.map((each) => each.data() as Slot);
  changed = performance.now();
});

const quiet = (): Promise<true> =>
  until("quiet", () => (performance.now() - changed > QUIET_MS ? true : undefined), STEP_MS);

/** Asks rarely: whoever waits for the tour by asking the API would be counted with it. */
function patient(stage: Stage): Stage {
  return {
    ...stage,
    until: (what, probe) => until(what, async () => (await quiet()) && probe(), STEP_MS),
  };
}

const narrator = createNarrator(process.stdout, () => performance.now(), false);
const options = { ray: undefined, narrator, signal: new AbortController().signal };
const stage = patient(createStage(tourOf({ ...plane, webhookSecret: plane.keys.webhookSecret }, options)));

/** How many services a fact is pushed to: the filter of a subscription names families. */
const families = Object.values(readTopology()).map(
  ({ subscribes }) => new Set(subscribes.map((type) => type.split(".")[0])),
);
const pushesOf = (type: string): number => families.filter((each) => each.has(type.split(".")[0])).length;

interface Mark extends Usage {
  readonly polledReads: number;
  readonly passes: number;
}

const NONE: Mark = {
  requests: 0,
  reads: 0,
  writes: 0,
  deletes: 0,
  messages: 0,
  internalSteps: 0,
  externalSteps: 0,
  logBytes: 0,
  polledReads: 0,
  passes: 0,
};

/** Journals of the executions that have been started here, as the rollout service keeps them. */
function workflowSteps(): Pick<Mark, "internalSteps" | "externalSteps" | "requests"> {
  const db = openDatabase(plane.state.path("local.db"));
  const rows = db.rows(
    "SELECT execution, entry FROM execution_journal ORDER BY execution, position",
  ) as readonly {
    readonly execution: string;
    readonly entry: string;
  }[];
  db.close();
  const program = programOf("canary", shippedWorkflow("canary") ?? "");
  const total = { internalSteps: 0, externalSteps: 0, requests: 0 };
  for (const journal of Object.values(Object.groupBy(rows, ({ execution }) => execution))) {
    const entries = (journal ?? []).map(({ entry }) => JSON.parse(entry) as JournalEntry);
    const { internal, external } = stepCount(resume(program, entries).machine);
    total.internalSteps += internal;
    total.externalSteps += external;
    total.requests += entries.filter(
      (entry) => entry.type === "EffectRequested" && entry.request.kind === "http",
    ).length;
  }
  return total;
}

/** Everything up to now. */
function mark(): Mark {
  const counts = EMULATED_SERVICES.map(
    (name) => JSON.parse(readFileSync(countsFile(plane.state, name), "utf8")) as CallCounts,
  );
  const sum = (of: (each: CallCounts) => number): number =>
    counts.reduce((total, each) => total + of(each), 0);
  const publishes = sum(({ work, loops }) => work.publishes + loops.publishes);
  const pushes = slots.reduce((total, { type }) => total + (type === undefined ? 0 : pushesOf(type)), 0);
  const workflow = workflowSteps();
  return {
    ...workflow,
    requests: pushes + workflow.requests,
    reads: sum(({ work }) => work.reads),
    // A loop that finds nothing writes nothing: what it wrote, a push would have written on Google Cloud.
    writes: sum(({ work, loops }) => work.writes + loops.writes),
    deletes: sum(({ work, loops }) => work.deletes + loops.deletes),
    messages: publishes + pushes,
    logBytes: EMULATED_SERVICES.reduce((bytes, name) => bytes + statSync(logFile(plane.state, name)).size, 0),
    polledReads: sum(({ loops }) => loops.reads),
    passes: sum(({ loops }) => loops.passes),
  };
}

const between = (before: Mark, after: Mark): Mark =>
  Object.fromEntries(
    (Object.keys(NONE) as (keyof Mark)[]).map((name) => [name, after[name] - before[name]]),
  ) as unknown as Mark;

function report(what: keyof typeof GOALS, used: Mark): void {
  const lines = costLines(used);
  const rows = lines.map(
    ({ item, count, usd, price }) => `| ${item} | ${count} | $${usd.toFixed(6)} | ${price} |`,
  );
  const polls = `${used.passes} passes of loops read ${used.polledReads} documents meanwhile, not counted`;
  process.stdout.write(
    [
      `\n## a ${what}\n`,
      "| item | count | at list price | price |",
      "|---|---|---|---|",
      ...rows,
      `| **all** (goal: ≤ $${GOALS[what]}) | | **$${totalUsd(lines).toFixed(6)}** | ${polls} |`,
      "",
    ].join("\n"),
  );
}

try {
  const clone = await createPlatform(stage);
  await quiet();
  const begun = mark();
  // One delivery for each of `opened`, `closed` and `push`; two approvals, and one that is refused.
  const doors = 6;
  await mergePullRequest(stage, clone, await openPullRequest(stage, clone));
  await quiet();
  const merged = between(begun, mark());
  report("merged pull request", { ...merged, requests: merged.requests + doors });
  const traffic = await firstVersion(stage);
  await quiet();
  const before = mark();
  await goodVersion(stage, traffic, {});
  await quiet();
  const rolled = between(before, mark());
  report("canary", { ...rolled, requests: rolled.requests + 1 });
  await traffic.stop();
} finally {
  unsubscribe();
  await store.close();
  await plane.stop();
  rmSync(folder, { recursive: true, force: true });
}
