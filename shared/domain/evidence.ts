// What the counters say about a rollout: counts by stretch of constant weights, by arm, and by window.
import {
  counterIncreases,
  type CounterSample,
  type EvidenceProblem,
  sampleProblems,
} from "./counter-increase.ts";
import type { ArmCounts } from "./e-value.ts";

/** Traffic weights after a move, by version. */
export interface ObservedMove {
  readonly timeMs: number;
  readonly to: Readonly<Record<string, number>>;
}

/** A stretch of constant weights in which the candidate is judged. */
export interface Segment {
  /** Index into the policy's steps. */
  readonly step: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The candidate's share of the traffic, in percent. */
  readonly weight: number;
}

/** `no-scrape`: nobody looked; `no-exposure`: looked, no requests; `no-errors`: requests, all fine; `errors`: some failed. */
export type ArmState = "no-scrape" | "no-exposure" | "no-errors" | "errors";

/** What one arm did in one segment. */
export interface ArmEvidence extends ArmCounts {
  readonly state: ArmState;
}

/** One segment with its counts; `control` is null when an endpoint's first version is judged alone. */
export interface SegmentEvidence extends Segment {
  readonly canary: ArmEvidence;
  readonly control: ArmEvidence | null;
}

/** Counts of one window of a segment; windows without a request on either arm are left out. */
export interface WindowCounts {
  readonly segment: number;
  /** Position in the segment, from 0, in units of the window's length. */
  readonly index: number;
  readonly canary: ArmCounts;
  readonly control: ArmCounts;
}

/** Everything that the judge needs: nothing else enters a verdict. */
export interface Evidence {
  /** `compare`: canary against control; `first`: the first version of an endpoint, judged on tolerance alone. */
  readonly mode: "compare" | "first";
  readonly segments: readonly SegmentEvidence[];
  readonly windows: readonly WindowCounts[];
}

/** Evidence, or why the counters cannot be believed. */
export type GatheredEvidence =
  | { readonly kind: "evidence"; readonly evidence: Evidence }
  | { readonly kind: "refused"; readonly problems: readonly EvidenceProblem[] };

/** Who is compared; `control` is null for the first version of an endpoint. */
export interface Arms {
  readonly candidate: string;
  readonly control: string | null;
}

/**
 * The judged stretches of a rollout, from the endpoint's moves since it began (oldest first) until `untilMs`. A split is judged;
 * so is 100 % where there is no control; all else (not exposed yet, promoted, rolled back) is not.
 */
export function segmentsOf(
  arms: Arms,
  moves: readonly ObservedMove[],
  steps: readonly number[],
  untilMs: number,
): readonly Segment[] {
  const segments: Segment[] = [];
  for (const [position, move] of moves.entries()) {
    const total = Object.values(move.to).reduce((sum, weight) => sum + weight, 0);
    const weight = total > 0 ? (100 * (move.to[arms.candidate] ?? 0)) / total : 0;
    const judged = arms.control === null ? weight > 0 : weight > 0 && (move.to[arms.control] ?? 0) > 0;
    const toMs = Math.min(moves[position + 1]?.timeMs ?? untilMs, untilMs);
    if (!judged || toMs <= move.timeMs) continue;
    const reached = steps.findIndex((step) => step >= weight);
    const last = Math.max(0, steps.length - 1);
    const step = arms.control === null ? 0 : reached < 0 ? last : reached;
    segments.push({ step, fromMs: move.timeMs, toMs, weight });
  }
  return segments;
}

interface Tally {
  requests: number;
  errors: number;
}
interface SegmentTally {
  readonly canary: Tally;
  readonly control: Tally;
  readonly scraped: { canary: boolean; control: boolean };
}

const tally = (): Tally => ({ requests: 0, errors: 0 });
const add = (to: Tally, counts: ArmCounts): void => {
  to.requests += counts.requests;
  to.errors += counts.errors;
};

const armEvidence = (counts: Tally, scraped: boolean): ArmEvidence => ({
  ...counts,
  state: !scraped
    ? "no-scrape"
    : counts.requests === 0
      ? "no-exposure"
      : counts.errors === 0
        ? "no-errors"
        : "errors",
});

/**
 * Counts of each segment and window from counter samples of any order. The requests between two scrapes belong where the
 * middle between them lies, on both arms alike: a move between two scrapes costs nothing and favours nobody.
 */
export function gatherEvidence(
  arms: Arms,
  segments: readonly Segment[],
  samples: readonly CounterSample[],
  windowMs: number,
): GatheredEvidence {
  const judged = samples.filter(({ version }) => version === arms.candidate || version === arms.control);
  const problems = sampleProblems(judged);
  if (problems.length > 0) return { kind: "refused", problems };

  const tallies: SegmentTally[] = segments.map(() => ({
    canary: tally(),
    control: tally(),
    scraped: { canary: false, control: false },
  }));
  const windows = new Map<string, { segment: number; index: number; canary: Tally; control: Tally }>();
  for (const increase of counterIncreases(judged, segments[0]?.fromMs ?? Infinity)) {
    const middleMs = (increase.fromMs + increase.toMs) / 2;
    const segment = segments.findIndex(({ fromMs, toMs }) => fromMs <= middleMs && middleMs < toMs);
    const counts = tallies[segment];
    const start = segments[segment]?.fromMs;
    if (counts === undefined || start === undefined) continue;
    const arm = increase.version === arms.candidate ? "canary" : "control";
    counts.scraped[arm] = true;
    add(counts[arm], increase);
    if (increase.requests === 0) continue;
    const index = Math.floor((middleMs - start) / windowMs);
    const key = `${segment}/${index}`;
    const window = windows.get(key) ?? { segment, index, canary: tally(), control: tally() };
    windows.set(key, window);
    add(window[arm], increase);
  }

  const evidence: Evidence = {
    mode: arms.control === null ? "first" : "compare",
    segments: segments.map((segment, position) => {
      const { canary, control, scraped } = tallies[position] ?? {
        canary: tally(),
        control: tally(),
        scraped: { canary: false, control: false },
      };
      return {
        ...segment,
        canary: armEvidence(canary, scraped.canary),
        control: arms.control === null ? null : armEvidence(control, scraped.control),
      };
    }),
    windows: [...windows.values()].sort(
      (one, other) => one.segment - other.segment || one.index - other.index,
    ),
  };
  return { kind: "evidence", evidence };
}
