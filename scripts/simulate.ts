// Runs simulated histories: `--seed N` the first seed, `--count M` how many, `--quiet` without the history of a failure.
// The same seed gives the same history, to the byte: its digest is printed.
import { neverReached } from "../test/simulation/sometimes.ts";
import { simulate } from "../test/simulation/simulate.ts";
import { parseArgs } from "node:util";

/** Seeds in a batch from which on it must have reached every interesting state. */
const BATCH_MIN = 100;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    quiet: { type: "boolean", default: false },
    history: { type: "boolean", default: false },
  },
});
const first = Number(values.seed);
const count = Number(values.count);
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  process.stderr.write("--seed and --count take whole numbers.\n");
  process.exit(2);
}

const write = (line: string): void => void process.stdout.write(`${line}\n`);
const started = performance.now();
const marks: ReadonlySet<string>[] = [];
let failures = 0;
for (let seed = first; seed < first + count; seed++) {
  const { problems, digest, lines, marks: reached, facts } = await simulate(seed);
  marks.push(reached);
  if (problems.length > 0) failures += 1;
  if (values.history || (problems.length > 0 && !values.quiet)) for (const line of lines) write(line);
  if (count <= BATCH_MIN || problems.length > 0)
    write(`seed ${seed}: ${problems.length === 0 ? "holds" : "FAILS"}, ${facts} facts, sha256:${digest}`);
  for (const problem of problems) write(`  ${problem}`);
}
const missing = neverReached(marks);
const seconds = (performance.now() - started) / 1_000;
write(
  `${count} histories in ${seconds.toFixed(1)} s, ${failures} failed. npm run simulate -- --seed N shows one.`,
);
if (missing.length > 0) write(`Never reached: ${missing.join(", ")}`);
if (failures > 0 || (count >= BATCH_MIN && missing.length > 0)) process.exitCode = 1;
