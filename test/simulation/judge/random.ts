// A small seeded source of chance for simulations: the same seed gives the same rollouts on every machine.

/** Numbers from one seed. */
export interface Random {
  /** Uniform in (0, 1). */
  readonly uniform: () => number;
  /** Standard normal. */
  readonly normal: () => number;
  /** Number of events when `mean` are expected. */
  readonly poisson: (mean: number) => number;
  /** One of the items. */
  readonly pick: <Item>(items: readonly Item[]) => Item;
}

const GOLDEN = 0x9e3779b9;
/** Larger means are drawn in parts, so that e^−mean stays far from zero. */
const POISSON_PART_MAX = 200;

/** A stream of numbers from a seed: a Weyl sequence whose terms are scrambled by two rounds of multiply and shift. */
export function createRandom(seed: number): Random {
  let state = Math.imul(seed + 1, 0x85ebca6b) >>> 0;
  const word = (): number => {
    state = (state + GOLDEN) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const uniform = (): number => (word() + 0.5) / 2 ** 32;
  const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const poissonPart = (mean: number): number => {
    const target = uniform();
    let probability = Math.exp(-mean);
    let cumulative = probability;
    let count = 0;
    while (cumulative < target && probability > 0) {
      count += 1;
      probability *= mean / count;
      cumulative += probability;
    }
    return count;
  };
  const poisson = (mean: number): number => {
    let count = 0;
    let rest = mean;
    for (; rest > POISSON_PART_MAX; rest -= POISSON_PART_MAX) count += poissonPart(POISSON_PART_MAX);
    return count + poissonPart(Math.max(0, rest));
  };
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(uniform() * items.length)];
    if (item === undefined) throw new Error("Nothing to pick from: pass at least one item.");
    return item;
  };
  return { uniform, normal, poisson, pick };
}
