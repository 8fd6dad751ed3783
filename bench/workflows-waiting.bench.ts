// Memory of an execution that waits, and the time that ten thousand canaries take to their end in virtual time.
// node scripts/launch.mjs bench/workflows-waiting.bench.ts
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  compile,
  createVirtualClock,
  jsonResponse,
  launch,
  stepCount,
  type EffectRequest,
  type EffectResult,
  type Execution,
  type JournalStore,
} from "../workflows/engine/engine.ts";
import { grouped, tell } from "./best-of.ts";

const EXECUTIONS = 10_000;
const LOOKS = 3;

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes in use after a collection. */
function bytesInUse(): number {
  collect();
  collect();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

const source = readFileSync(new URL("../workflows/canary.yaml", import.meta.url), "utf8");
const compiled = compile(source, { file: "workflows/canary.yaml" });
if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
const { program } = compiled;

/** Rests twice after a claim, then is done; the answer says where an execution is. */
function answer(request: EffectRequest, looks: Map<string, number>, execution: string): EffectResult {
  if (request.kind !== "http" || request.url.endsWith(":claim")) return jsonResponse(200, {});
  const count = (looks.get(execution) ?? 0) + 1;
  looks.set(execution, count);
  if (count >= LOOKS)
    return jsonResponse(200, { next: "done", outcome: "PROMOTED", sentence: "It is as good." });
  return jsonResponse(200, { next: "rest", seconds: 60 });
}

const clock = createVirtualClock({ automatic: false });
const looks = new Map<string, number>();
let journalBytes = 0;
let journalEntries = 0;
// The journal lies in a database in production: its bytes are counted, not kept.
const journal: JournalStore = {
  load: async () => [],
  append: async (entries) => {
    journalEntries += entries.length;
    for (const entry of entries) journalBytes += Buffer.byteLength(JSON.stringify(entry));
  },
};

function begin(index: number): Execution {
  const id = `canary-${index}`;
  const rollout = `teams/default/endpoints/ranker-${index}/rollouts/1`;
  return launch(program, {
    argument: JSON.stringify({ api: "https://api.example.com", rollout }),
    env: { GOOGLE_CLOUD_WORKFLOW_EXECUTION_ID: id },
    seed: id,
    journal,
    perform: async (request) => answer(request, looks, id),
    clock,
  });
}

async function allWait(): Promise<void> {
  while (clock.timers() < EXECUTIONS) await turn();
}

// One before the count, so that code and caches are not counted.
const first = begin(EXECUTIONS);
while (clock.timers() < 1) await turn();
first.cancel();
await first.finished;
journalBytes = 0;
journalEntries = 0;

const before = bytesInUse();
const began = performance.now();
const executions = Array.from({ length: EXECUTIONS }, (_, index) => begin(index));
await allWait();
const waitingMs = performance.now() - began;
const bytesEach = (bytesInUse() - before) / EXECUTIONS;
tell(
  `memory of each of ${grouped(EXECUTIONS)} waiting canaries`,
  `${(bytesEach / 1_024).toFixed(1)} KB`,
  "at most 50 KB",
);
tell("  starting them until all wait", `${(waitingMs / 1_000).toFixed(1)} s`);

const resumed = performance.now();
clock.advanceTo(clock.now() + 60_000);
await allWait();
clock.advanceTo(clock.now() + 60_000);
const outcomes = await Promise.all(executions.map(({ finished }) => finished));
const wrong = outcomes.filter(({ state }) => state !== "SUCCEEDED").length;
if (wrong > 0) throw new Error(`${wrong} executions did not succeed`);
tell("  two more looks of each, to the end", `${((performance.now() - resumed) / 1_000).toFixed(1)} s`);

const steps = executions.reduce((sum, execution) => {
  const machine = execution.machine();
  if (machine === undefined) throw new Error("an execution has no machine");
  const { internal, external } = stepCount(machine);
  return sum + internal + external;
}, 0);
tell("journal of the canary, bytes per step", grouped(journalBytes / steps));
tell("journal of the canary, bytes per entry", grouped(journalBytes / journalEntries));
tell(
  "journal of one canary",
  `${(journalBytes / EXECUTIONS / 1_024).toFixed(1)} KB in ${(journalEntries / EXECUTIONS).toFixed(0)} entries for ${(steps / EXECUTIONS).toFixed(0)} steps`,
);
