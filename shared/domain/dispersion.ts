// How much more the errors wobble than chance alone would have it. Evidence of the slow lane is divided by this.
import type { ArmCounts } from "./e-value.ts";
import type { Evidence, SegmentEvidence, WindowCounts } from "./evidence.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";

/** Fewer windows (and, at coarser scales, fewer blocks) than this say nothing about dispersion. */
export const WINDOWS_MIN = 5;

/** The assumed noise is constant for this long and independent afterwards, until the windows say otherwise. */
export const NOISE_SPAN_MS = 120_000;

/** The assumed noise has the weight of this many windows against what is measured. */
const NOISE_PRIOR_WINDOWS = 5;

/** Variance of the errors over what chance gives, at least 1: of the canary's share of all errors, and of the canary's own count. */
export interface Dispersion {
  readonly ratio: number;
  readonly absolute: number;
}

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

/** What the assumed noise does within `scaleMs`: 1 + cv² × the events that the border of the hypothesis allows in that time. */
function assumed(policy: RolloutPolicy, segments: readonly SegmentEvidence[], scaleMs: number): Dispersion {
  const { noise, margin, tolerance } = policy.judge.errors;
  const elapsedMs = segments.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
  const part = Math.min(1, Math.min(scaleMs, NOISE_SPAN_MS) / Math.max(1, elapsedMs));
  let ratio = 0;
  let absolute = 0;
  for (const { canary, control } of segments) {
    absolute += tolerance * canary.requests;
    if (control === null || control.requests === 0) continue;
    const share = (margin * canary.requests) / (margin * canary.requests + control.requests);
    ratio += 2 * share * control.errors;
  }
  return { ratio: 1 + noise ** 2 * part * ratio, absolute: 1 + noise ** 2 * part * absolute };
}

/** Pearson's sums over all segments; each has its own rates, since weights differ. */
function pearsonOf(bySegment: readonly (readonly WindowCounts[])[]) {
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
 * Pearson dispersion of the policy's windows and of blocks of 2, 4, 8 … of them, the largest of all: slow noise shows only in long
 * blocks. Each scale starts from what the policy's noise assumption gives. Undefined below five windows: the slow lane is silent.
 */
export function dispersionOf(policy: RolloutPolicy, evidence: Evidence): Dispersion | undefined {
  const { windows, segments } = evidence;
  const exposed = windows.filter(
    ({ canary, control }) => canary.requests > 0 && (evidence.mode === "first" || control.requests > 0),
  );
  if (exposed.length < WINDOWS_MIN) return undefined;
  let bySegment = segments.map((_, segment): readonly WindowCounts[] =>
    exposed.filter((window) => window.segment === segment),
  );
  const { windowMs, errors } = policy.judge;
  const weight = errors.noise > 0 ? NOISE_PRIOR_WINDOWS : 0;
  const posterior = (start: number, { squares, freedom }: PearsonSum): number =>
    freedom + weight === 0 ? 1 : Math.max(1, (weight * start + squares) / (weight + freedom));
  let largest: Dispersion = { ratio: 1, absolute: 1 };
  let beyondSpan: Dispersion | undefined;
  for (let scaleMs = windowMs; bySegment.flat().length >= WINDOWS_MIN; scaleMs *= 2) {
    const sums = pearsonOf(bySegment);
    const prior = beyondSpan ?? assumed(policy, segments, scaleMs);
    const measured = {
      ratio: posterior(prior.ratio, sums.ratio),
      absolute: posterior(prior.absolute, sums.absolute),
    };
    largest = larger(largest, measured);
    if (scaleMs >= NOISE_SPAN_MS) beyondSpan = measured;
    bySegment = bySegment.map((windows) => joined(windows, 2));
  }
  return beyondSpan === undefined ? larger(largest, assumed(policy, segments, NOISE_SPAN_MS)) : largest;
}
