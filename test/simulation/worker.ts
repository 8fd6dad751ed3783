// A process that runs histories for a batch: it is sent ranges of seeds and answers what they led to.
// With the name of a mutant it first breaks the product, see mutants.ts.
import { breakProduct } from "./mutants.ts";

/** What a batch asks for: seeds `from` up to and without `to`, or crashes at these calls of a story. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
  /** Of these, every so many-th; default: each. */
  readonly every?: number;
  readonly story?: string;
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
const { STORIES } = await import("./stories.ts");

/** The crash at a call: when it has happened, and nobody was told. At call 0: before the first. */
const crashAfter = (call: number): { readonly call: number; readonly after: boolean } =>
  call === 0 ? { call: 1, after: false } : { call, after: true };

async function run({ from, to, every = 1, story: name }: SeedRange): Promise<void> {
  const results: SeedResult[] = [];
  const story = STORIES.find((each) => each.name === name);
  for (let seed = from; seed < to; seed += every) {
    const played = story === undefined ? simulate(seed) : simulate(1, { crashAt: crashAfter(seed) }, story);
    const { problems, digest, marks, facts } = await played;
    results.push({ seed, problems, digest, marks: [...marks], facts });
  }
  process.send?.(results);
}

// Whoever asked is gone, and so is the reason to go on.
process.on("disconnect", () => process.exit());
process.on("message", (range: SeedRange) => void run(range));
process.send?.([]);
