// Runs simulated histories: `--seed N` the first seed, `--count M` how many, `--workers W` in how many processes, `--history` with
// every line, `--quiet` without the lines of a failure. The same seed gives the same history, to the byte: its digest is printed.
import { parseArgs } from "node:util";
import { runBatch } from "../test/simulation/batch.ts";
import { simulate } from "../test/simulation/simulate.ts";
import { BATCH_MIN, neverReached } from "../test/simulation/sometimes.ts";
import type { SeedResult } from "../test/simulation/worker.ts";

/** Failures of which the history is printed; the others are named. */
const HISTORIES_MAX = 3;
/** Between two lines about how far a long batch is. */
const PROGRESS_SEEDS = 250;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    workers: { type: "string", default: "1" },
    quiet: { type: "boolean", default: false },
    history: { type: "boolean", default: false },
  },
});
const [first, count, workers] = [values.seed, values.count, values.workers].map(Number);
if (
  first === undefined ||
  count === undefined ||
  workers === undefined ||
  ![first, count, workers].every((number) => Number.isSafeInteger(number) && number >= 1)
) {
  process.stderr.write("--seed, --count and --workers take whole numbers from 1 on.\n");
  process.exit(2);
}

// Whoever reads may have read enough, as `head` does: then nobody wants the rest.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
const write = (line: string): void => void process.stdout.write(`${line}\n`);
const started = performance.now();
const seconds = (): string => ((performance.now() - started) / 1_000).toFixed(1);
let done = 0;
function tell({ seed, problems, digest, facts }: SeedResult): void {
  done += 1;
  const failed = problems.length > 0;
  if (failed || (count ?? 0) <= BATCH_MIN)
    write(`seed ${seed}: ${failed ? "FAILS" : "holds"}, ${facts} facts, sha256:${digest}`);
  for (const problem of problems) write(`  ${problem}`);
  if (done % PROGRESS_SEEDS === 0) write(`${done} of ${count} in ${seconds()} s`);
}

const results = await runBatch({ first, count, workers, onResult: tell });
const failures = results.filter(({ problems }) => problems.length > 0);
const shown = values.history ? results : values.quiet ? [] : failures;
for (const { seed } of shown.slice(0, HISTORIES_MAX)) {
  write(`\nThe history of seed ${seed}:`);
  for (const line of (await simulate(seed)).lines) write(line);
}
const missing = count >= BATCH_MIN ? neverReached(results.map(({ marks }) => new Set(marks))) : [];
write(`${results.length} histories in ${seconds()} s, ${failures.length} failed.`);
if (failures.length > 0) write(`npm run simulate -- --seed ${failures[0]?.seed} shows the first.`);
if (missing.length > 0) write(`Never reached: ${missing.join(", ")}`);
if (failures.length > 0 || missing.length > 0) process.exitCode = 1;
