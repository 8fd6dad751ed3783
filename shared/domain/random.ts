// A small seeded source of chance for replays and simulations: the same seed gives the same rollouts on every machine.

/** Numbers from one seed. */
export interface Random {
  /** Uniform in (0, 1). */
  readonly uniform: () => number;
  /** Standard normal. */
  readonly normal: () => number;
  /** Number of events when `mean` are expected. */
  readonly poisson: (mean: number) => number;
  /** How many of `count` things happen when each does with this probability. */
  readonly binomial: (count: number, probability: number) => number;
  /** One of the items. */
  readonly pick: <Item>(items: readonly Item[]) => Item;
}

const GOLDEN = 0x9e3779b9;
/** Larger means are drawn in parts, so that e^−mean stays far from zero. */
const POISSON_PART_MAX = 200;
/** From this variance on a binomial count is drawn from the normal curve with the same mean and variance. */
const BINOMIAL_EXACT_VARIANCE_MAX = 200;

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
  const binomial = (count: number, probability: number): number => {
    if (count <= 0 || probability <= 0) return 0;
    if (probability >= 1) return count;
    if (probability > 0.5) return count - binomial(count, 1 - probability);
    const variance = count * probability * (1 - probability);
    if (variance > BINOMIAL_EXACT_VARIANCE_MAX) {
      const drawn = Math.round(count * probability + Math.sqrt(variance) * normal());
      return Math.min(count, Math.max(0, drawn));
    }
    const target = uniform();
    let chance = Math.exp(count * Math.log1p(-probability));
    let cumulative = chance;
    let hits = 0;
    while (cumulative < target && hits < count) {
      hits += 1;
      chance *= ((count - hits + 1) / hits) * (probability / (1 - probability));
      cumulative += chance;
    }
    return hits;
  };
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(uniform() * items.length)];
    if (item === undefined) throw new Error("Nothing to pick from: pass at least one item.");
    return item;
  };
  return { uniform, normal, poisson, binomial, pick };
}
