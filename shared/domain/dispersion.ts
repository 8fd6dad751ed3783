// How much more the errors wobble than chance alone would have it. Evidence of the slow lane is divided by this.
import type { ArmCounts } from "./e-value.ts";
import type { Evidence, WindowCounts } from "./evidence.ts";
import { assumedExcess, type ByTest, elapsedOf, NOISE_MINUTE_MS, noiseLeft } from "./noise.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";

/** Fewer windows (and, at coarser scales, fewer blocks) than this say nothing about dispersion. */
export const WINDOWS_MIN = 5;

/** The assumed noise has the weight of this many measured windows, and minutes: as many minutes as the default rollout lasts at least. */
const PRIOR_WINDOWS = 5;
const PRIOR_MINUTES = 3;

/** Variance of the errors over what chance gives, at least 1: of the canary's share of all errors, and of the canary's own count. */
export type Dispersion = ByTest;

/** A sum of squared residuals in units of their variance, and its expected value when there is nothing but chance. */
interface PearsonSum {
  squares: number;
  freedom: number;
}

const sum = (one: ArmCounts, other: ArmCounts): ArmCounts => ({
  requests: one.requests + other.requests,
  errors: one.errors + other.errors,
});

/** Joins windows of a segment whose positions fall together when divided by `by`; positions rise. */
function joined(windows: readonly WindowCounts[], by: number): readonly WindowCounts[] {
  const blocks: WindowCounts[] = [];
  for (const { segment, index, canary, control } of windows) {
    const position = Math.floor(index / by);
    const last = blocks.at(-1);
    if (last === undefined || last.index !== position)
      blocks.push({ segment, index: position, canary, control });
    else {
      const both = { canary: sum(last.canary, canary), control: sum(last.control, control) };
      blocks[blocks.length - 1] = { segment, index: position, ...both };
    }
  }
  return blocks;
}

/** Pearson's statistic of which arm the errors fell on, given how many there were: noise common to both arms cancels. */
function addRatio(pearson: PearsonSum, blocks: readonly WindowCounts[], total: WindowCounts): void {
  const { canary, control } = total;
  if (canary.errors === 0 || control.errors === 0) return;
  const ratio = (canary.errors / canary.requests) * (control.requests / control.errors);
  let used = 0;
  for (const block of blocks) {
    const events = block.canary.errors + block.control.errors;
    if (events === 0 || block.canary.requests === 0 || block.control.requests === 0) continue;
    const share = (ratio * block.canary.requests) / (ratio * block.canary.requests + block.control.requests);
    pearson.squares += (block.canary.errors - events * share) ** 2 / (events * share * (1 - share));
    used += 1;
  }
  pearson.freedom += Math.max(0, used - 1);
}

/** Pearson's statistic of the canary's errors around its own rate. */
function addAbsolute(pearson: PearsonSum, blocks: readonly WindowCounts[], total: WindowCounts): void {
  const rate = total.canary.errors / total.canary.requests;
  if (!(rate > 0 && rate < 1)) return;
  let used = 0;
  for (const { canary } of blocks) {
    if (canary.requests === 0) continue;
    pearson.squares += (canary.errors - canary.requests * rate) ** 2 / (canary.requests * rate * (1 - rate));
    used += 1;
  }
  pearson.freedom += Math.max(0, used - 1);
}

/** Windows by segment. */
type Windows = readonly (readonly WindowCounts[])[];

/** Pearson's sums over all segments; each has its own rates, since weights differ. */
function pearsonOf(bySegment: Windows) {
  const ratio: PearsonSum = { squares: 0, freedom: 0 };
  const absolute: PearsonSum = { squares: 0, freedom: 0 };
  for (const blocks of bySegment) {
    const total = joined(blocks, Infinity)[0];
    if (blocks.length < 2 || total === undefined) continue;
    addRatio(ratio, blocks, total);
    addAbsolute(absolute, blocks, total);
  }
  return { ratio, absolute };
}

const larger = (one: Dispersion, other: Dispersion): Dispersion => ({
  ratio: Math.max(one.ratio, other.ratio),
  absolute: Math.max(one.absolute, other.absolute),
});

/**
 * How strong the noise is, as a multiple of the assumed variance: the assumption weighed against what the minutes of each segment
 * show beyond chance. Noise that persists hides within a segment, because its own mean moves along: n minutes tell only as much
 * as n·(1 − noiseLeft(n)/noiseLeft(1)) independent ones.
 */
function strengthOf(policy: RolloutPolicy, evidence: Evidence, bySegment: Windows): ByTest {
  const { windowMs } = policy.judge;
  const windowsAMinute = Math.max(1, Math.round(NOISE_MINUTE_MS / windowMs));
  const lengthMs = windowsAMinute * windowMs;
  const minutes = bySegment.map((windows) => joined(windows, windowsAMinute));
  let seen = 0;
  for (const { length } of minutes) {
    if (length > 1) seen += length * (1 - noiseLeft(length * lengthMs) / noiseLeft(lengthMs));
  }
  const sums = pearsonOf(minutes);
  const assumed = assumedExcess(policy, evidence.segments, lengthMs);
  const strength = (excess: number, { squares, freedom }: PearsonSum): number =>
    excess <= 0 ? 1 : Math.max(0, (PRIOR_MINUTES + (squares - freedom) / excess) / (PRIOR_MINUTES + seen));
  return {
    ratio: strength(assumed.ratio, sums.ratio),
    absolute: strength(assumed.absolute, sums.absolute),
  };
}

/**
 * The largest of: Pearson dispersion of the policy's windows and of blocks of 2, 4, 8 … of them, each weighed against what noise would
 * give; and what noise of the measured strength does to the counts of the whole rollout, which no block is long enough to show.
 * Undefined below five windows: the slow lane is silent.
 */
export function dispersionOf(policy: RolloutPolicy, evidence: Evidence): Dispersion | undefined {
  const { windows, segments } = evidence;
  const exposed = windows.filter(
    ({ canary, control }) => canary.requests > 0 && (evidence.mode === "first" || control.requests > 0),
  );
  if (exposed.length < WINDOWS_MIN) return undefined;
  let bySegment: Windows = segments.map((_, segment) =>
    exposed.filter((window) => window.segment === segment),
  );
  const { windowMs, errors } = policy.judge;
  const strength = strengthOf(policy, evidence, bySegment);
  const noiseAt = (scaleMs: number): Dispersion => {
    const excess = assumedExcess(policy, segments, scaleMs);
    return {
      ratio: 1 + strength.ratio * excess.ratio,
      absolute: 1 + strength.absolute * excess.absolute,
    };
  };
  const weight = errors.noise > 0 ? PRIOR_WINDOWS : 0;
  const posterior = (start: number, { squares, freedom }: PearsonSum): number =>
    freedom + weight === 0 ? 1 : Math.max(1, (weight * start + squares) / (weight + freedom));
  let largest = noiseAt(elapsedOf(segments));
  for (let scaleMs = windowMs; bySegment.flat().length >= WINDOWS_MIN; scaleMs *= 2) {
    const sums = pearsonOf(bySegment);
    const prior = noiseAt(scaleMs);
    largest = larger(largest, {
      ratio: posterior(prior.ratio, sums.ratio),
      absolute: posterior(prior.absolute, sums.absolute),
    });
    bySegment = bySegment.map((blocks) => joined(blocks, 2));
  }
  return largest;
}
