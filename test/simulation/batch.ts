// Many histories, in as many processes as there are cores to spare.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { SeedResult } from "./worker.ts";

/** Seeds that a worker is given at a time. */
const SEEDS_AT_A_TIME = 10;
const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** Most of what a history makes is garbage soon: with room for it, little of it is looked at twice. */
const QUICKER = ["--max-semi-space-size=32"];

/** What to run. */
export interface BatchOptions {
  readonly first: number;
  readonly count: number;
  readonly workers: number;
  /** Of the seeds, every so many-th; default: each. */
  readonly every?: number;
  /** A story, by name: then the numbers are calls at which the process crashes. */
  readonly story?: string;
  /** A broken variant of the product, by name. */
  readonly mutant?: string;
  /** Ends the batch early. */
  readonly enough?: (results: readonly SeedResult[]) => boolean;
  /** Told about every seed as it ends. */
  readonly onResult?: (result: SeedResult) => void;
}

/** Runs the seeds `first` up to `first + count` and answers what they led to, in the order of seeds. */
export async function runBatch(options: BatchOptions): Promise<readonly SeedResult[]> {
  const { first, count, workers, every = 1, mutant, story, enough = () => false, onResult } = options;
  const results: SeedResult[] = [];
  let next = first;
  const work = (child: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`A simulation process ended with ${signal ?? code} near seed ${next}.`));
      });
      child.on("message", (message) => {
        for (const result of message as readonly SeedResult[]) {
          results.push(result);
          onResult?.(result);
        }
        if (next >= first + count || enough(results)) return child.disconnect();
        const from = next;
        next = Math.min(next + SEEDS_AT_A_TIME * every, first + count);
        child.send({ from, to: next, every, story });
      });
    });
  const args = mutant === undefined ? [] : [mutant];
  const execArgv = ["--disable-warning=ExperimentalWarning", ...QUICKER];
  // Whoever plays one history wants to see where it went wrong; of many, each refusal's stack would be made for nobody.
  if (count > 1) execArgv.push("--stack-trace-limit=0");
  const children = Array.from({ length: workers }, () => fork(WORKER, args, { execArgv }));
  try {
    await Promise.all(children.map(work));
  } finally {
    for (const child of children) child.kill();
  }
  return results.toSorted((one, other) => one.seed - other.seed);
}
