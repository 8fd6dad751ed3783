// The judge: counts in; pass, fail or inconclusive out. No state, no clock: every look starts from the counts.
// Both error rates hold at any number of looks, because E values may be watched (docs/judge.md has the formulas).
import { countsProblem, type EvidenceProblem } from "./counter-increase.ts";
import { type Dispersion, dispersionOf } from "./dispersion.ts";
import {
  type ArmCounts,
  eValue,
  logAboveToleranceE,
  logBelowToleranceE,
  logMeanE,
  logRatioE,
} from "./e-value.ts";
import type { Evidence, SegmentEvidence } from "./evidence.ts";
import { reasonsOf, sentenceOf } from "./judge-words.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";

/** `fail` rolls back at any look; `pass` is proof of harmlessness; `inconclusive`: nothing is proven yet. */
export type Verdict = "pass" | "fail" | "inconclusive";

/** E values of one test: against each part of its hypothesis, what counts, and what would be enough. */
export interface TestEvidence {
  /** Undefined for the first version of an endpoint, which has nothing to be compared with. */
  readonly ratio: number | undefined;
  readonly absolute: number;
  readonly combined: number;
  readonly needed: number;
}

/** A verdict with everything it was made from. */
export interface Judgement {
  readonly verdict: Verdict;
  readonly mode: Evidence["mode"];
  /** The latest step with evidence, from 0. */
  readonly step: number;
  /** Counts of all judged segments. */
  readonly canary: ArmCounts;
  /** Zeros for the first version of an endpoint. */
  readonly control: ArmCounts;
  readonly pass: TestEvidence;
  readonly fast: TestEvidence;
  /** Plain evidence, from the latest step alone, that the canary is worse than `margin`: no *pass* meanwhile, however clean the earlier steps were. */
  readonly veto: TestEvidence;
  /** Undefined while there are too few windows. */
  readonly slow: TestEvidence | undefined;
  readonly dispersion: Dispersion | undefined;
  /** One line for each thing that led here or is missing. */
  readonly reasons: readonly string[];
  /** The verdict for people. */
  readonly sentence: string;
}

/** A look: a judgement, or the reason why the counts cannot be judged. */
export type Look = Judgement | { readonly verdict: "refused"; readonly problems: readonly EvidenceProblem[] };

const NO_COUNTS: ArmCounts = { requests: 0, errors: 0 };

/** Counts of one arm over segments. */
function total(segments: readonly SegmentEvidence[], arm: "canary" | "control"): ArmCounts {
  let requests = 0;
  let errors = 0;
  for (const segment of segments) {
    requests += segment[arm]?.requests ?? 0;
    errors += segment[arm]?.errors ?? 0;
  }
  return { requests, errors };
}

const logRatioOf = (segment: SegmentEvidence, margin: number, side: "above" | "below"): number =>
  segment.control === null ? 0 : logRatioE(segment.canary, segment.control, margin, side);

/** How one lane of the harm test reads the counts. */
interface Lane {
  readonly margin: number;
  readonly alpha: number;
  readonly dispersion: Dispersion;
  /** The steps at which the fault may have begun. */
  readonly starts: readonly number[];
}

/**
 * One lane of the harm test: H0 is p_canary ≤ max(margin·p_control, tolerance), so both parts must be refuted. Each E is the
 * mean over the steps at which a fault may have begun: E⁽ᵏ⁾ counts from step k on and is 1 before.
 */
function harm(policy: RolloutPolicy, { segments, mode }: Evidence, lane: Lane): TestEvidence {
  const { tolerance } = policy.judge.errors;
  const factors = segments.map((segment) => logRatioOf(segment, lane.margin, "above"));
  const ratios: number[] = [];
  const absolutes: number[] = [];
  for (const start of lane.starts) {
    const since = (segment: SegmentEvidence): boolean => segment.step >= start;
    let logRatio = 0;
    for (const [index, segment] of segments.entries()) if (since(segment)) logRatio += factors[index] ?? 0;
    ratios.push(logRatio / lane.dispersion.ratio);
    absolutes.push(
      logAboveToleranceE(total(segments.filter(since), "canary"), tolerance) / lane.dispersion.absolute,
    );
  }
  const ratio = logMeanE(ratios);
  const absolute = logMeanE(absolutes);
  const combined = mode === "first" ? absolute : Math.min(ratio, absolute);
  return test(mode, ratio, absolute, combined, lane.alpha);
}

/** The pass test: H0 is p_canary ≥ max(unacceptable·p_control, tolerance); one part refuted is enough, hence the mean of both bets. */
function harmlessness(policy: RolloutPolicy, { segments, mode }: Evidence): TestEvidence {
  const { unacceptable, tolerance, passAlpha } = policy.judge.errors;
  const ratio = segments.reduce((log, segment) => log + logRatioOf(segment, unacceptable, "below"), 0);
  const absolute = logBelowToleranceE(total(segments, "canary"), tolerance);
  const combined = mode === "first" ? absolute : logMeanE([ratio, absolute]);
  return test(mode, ratio, absolute, combined, passAlpha);
}

function test(
  mode: Evidence["mode"],
  ratio: number,
  absolute: number,
  combined: number,
  alpha: number,
): TestEvidence {
  return {
    ratio: mode === "first" ? undefined : eValue(ratio),
    absolute: eValue(absolute),
    combined: eValue(combined),
    needed: 1 / alpha,
  };
}

const reached = (evidence: TestEvidence | undefined): boolean =>
  evidence !== undefined && evidence.combined >= evidence.needed;

/** Counts that no counter can give. Windows are parts of the segments: only what would spoil the arithmetic is looked for there. */
function problemsOf({ segments, windows }: Evidence): readonly EvidenceProblem[] {
  const problems: EvidenceProblem[] = [];
  const check = (path: string, counts: ArmCounts | null): void => {
    const problem = counts === null ? undefined : countsProblem(path, counts);
    if (problem !== undefined) problems.push(problem);
  };
  for (const [index, { canary, control }] of segments.entries()) {
    check(`segments[${index}].canary`, canary);
    check(`segments[${index}].control`, control);
  }
  for (let index = 0; index < windows.length; index += 1) {
    const window = windows[index];
    if (window === undefined || (isCounted(window.canary) && isCounted(window.control))) continue;
    check(`windows[${index}].canary`, window.canary);
    check(`windows[${index}].control`, window.control);
  }
  return problems;
}

const isCounted = ({ requests, errors }: ArmCounts): boolean =>
  requests >= 0 && requests < Infinity && errors >= 0 && errors < Infinity;

/** Judges a rollout from its counts alone. *Fail* wins over *pass*. */
export function judge(policy: RolloutPolicy, evidence: Evidence): Look {
  const problems = problemsOf(evidence);
  if (problems.length > 0) return { verdict: "refused", problems };
  const { margin, failAlpha, fastMargin, fastAlpha, passAlpha } = policy.judge.errors;
  const dispersion = dispersionOf(policy, evidence);
  const plain: Dispersion = { ratio: 1, absolute: 1 };
  const starts = evidence.mode === "first" ? [0] : policy.steps.map((_, step) => step);
  const fast = harm(policy, evidence, { margin: fastMargin, alpha: fastAlpha, dispersion: plain, starts });
  const slow = dispersion && harm(policy, evidence, { margin, alpha: failAlpha, dispersion, starts });
  const pass = harmlessness(policy, evidence);
  const step = evidence.segments.at(-1)?.step ?? 0;
  const veto = harm(policy, evidence, { margin, alpha: passAlpha, dispersion: plain, starts: [step] });
  const harmless = reached(pass) && !reached(veto);
  const verdict: Verdict = reached(fast) || reached(slow) ? "fail" : harmless ? "pass" : "inconclusive";
  const judged = {
    verdict,
    mode: evidence.mode,
    step,
    canary: total(evidence.segments, "canary"),
    control: evidence.mode === "first" ? NO_COUNTS : total(evidence.segments, "control"),
    pass,
    veto,
    fast,
    slow,
    dispersion,
  };
  return { ...judged, reasons: reasonsOf(policy, evidence, judged), sentence: sentenceOf(policy, judged) };
}

/** The E values of a judgement as one flat record, for the fact that carries the verdict. */
export function eValuesOf({
  pass,
  veto,
  fast,
  slow,
  dispersion,
}: Judgement): Readonly<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const [name, test] of Object.entries({ pass, veto, fast, slow })) {
    if (test === undefined) continue;
    values[name] = test.combined;
    values[`${name}Absolute`] = test.absolute;
    values[`${name}Needed`] = test.needed;
    if (test.ratio !== undefined) values[`${name}Ratio`] = test.ratio;
  }
  if (dispersion !== undefined) {
    values["dispersionRatio"] = dispersion.ratio;
    values["dispersionAbsolute"] = dispersion.absolute;
  }
  return values;
}
