// A process that runs histories for a batch: it is sent ranges of seeds and answers what they led to.
// With the name of a mutant it first breaks the product, see mutants.ts.
import { breakProduct } from "./mutants.ts";

/** What a batch asks for: seeds `from` up to and without `to`. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

/** What one seed led to, without its lines. */
export interface SeedResult {
  readonly seed: number;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly marks: readonly string[];
  readonly facts: number;
}

const [, , mutant] = process.argv;
if (mutant !== undefined) breakProduct(mutant);
// Loaded only now, so that the broken variant is what is loaded.
const { simulate } = await import("./simulate.ts");

async function run({ from, to }: SeedRange): Promise<void> {
  const results: SeedResult[] = [];
  for (let seed = from; seed < to; seed++) {
    const { problems, digest, marks, facts } = await simulate(seed);
    results.push({ seed, problems, digest, marks: [...marks], facts });
  }
  process.send?.(results);
}

// Whoever asked is gone, and so is the reason to go on.
process.on("disconnect", () => process.exit());
process.on("message", (range: SeedRange) => void run(range));
process.send?.([]);
