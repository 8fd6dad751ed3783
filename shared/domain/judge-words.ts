// What a judgement says to people.
import type { ArmCounts } from "./e-value.ts";
import type { Evidence, SegmentEvidence } from "./evidence.ts";
import type { Judgement, TestEvidence } from "./judge.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";

type Judged = Omit<Judgement, "reasons" | "sentence">;

/** From here on the exact odds tell a person nothing more. */
const ODDS_SHOWN_MAX = 1e6;

const percent = (rate: number): string => `${Number((100 * rate).toPrecision(2))} %`;
const grouped = (count: number): string => String(Math.round(count)).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");

/** Odds as people write them: `2,300 to 1`. */
const odds = (value: number): string =>
  value > ODDS_SHOWN_MAX
    ? "over a million to 1"
    : `${value < 10 ? Number(value.toPrecision(2)) : grouped(value)} to 1`;

const arm = ({ requests, errors }: ArmCounts): string =>
  requests === 0
    ? "no requests"
    : `${grouped(errors)} errors in ${grouped(requests)} requests (${percent(errors / requests)})`;

const enough = (test: TestEvidence | undefined): boolean =>
  test !== undefined && test.combined >= test.needed;
const forOdds = (test: TestEvidence): string => `${odds(test.combined)}, ${odds(test.needed)} needed`;

/** One sentence or two: the verdict, the counts and the odds it rests on. */
export function sentenceOf(policy: RolloutPolicy, judged: Judged): string {
  const { verdict, mode, pass, fast, slow } = judged;
  const { tolerance, margin, fastMargin, unacceptable } = policy.judge.errors;
  const counts =
    mode === "first"
      ? `First version: ${arm(judged.canary)}.`
      : `Canary: ${arm(judged.canary)}; control: ${arm(judged.control)}.`;
  if (verdict === "fail") {
    const [test, ratio] = enough(fast) || slow === undefined ? [fast, fastMargin] : [slow, margin];
    const than =
      mode === "first" ? percent(tolerance) : `${ratio} × the control and than ${percent(tolerance)}`;
    return `Fail. ${counts} Its error rate is higher than ${than} (${forOdds(test)}).`;
  }
  if (verdict === "pass") {
    const than =
      mode === "first" ? percent(tolerance) : `${unacceptable} × the control or than ${percent(tolerance)}`;
    return `Pass. ${counts} Its error rate is lower than ${than} (${forOdds(pass)}).`;
  }
  return `Inconclusive. ${counts} Neither harm (${forOdds(fast)}) nor harmlessness (${forOdds(pass)}) is proven yet.`;
}

/** What the counters of an arm have to say in the latest segment, when they say nothing of use. */
function silence(name: string, state: SegmentEvidence["canary"]["state"] | undefined): string | undefined {
  if (state === "no-scrape")
    return `No scrape of the ${name}'s counters at this step: nothing is known about it.`;
  if (state === "no-exposure") return `The ${name} was scraped and has had no requests at this step.`;
  return undefined;
}

/** One line for each test that decided or is undecided, and for each thing that is missing. */
export function reasonsOf(
  policy: RolloutPolicy,
  { segments, mode }: Evidence,
  judged: Judged,
): readonly string[] {
  const { tolerance, margin, fastMargin, unacceptable } = policy.judge.errors;
  const { pass, veto, fast, slow, dispersion } = judged;
  const border = (ratio: number): string =>
    mode === "first" ? percent(tolerance) : `max(${ratio} × control, ${percent(tolerance)})`;
  const latest = segments.at(-1);
  const reasons: (string | undefined)[] = [
    `Fast lane: worse than ${border(fastMargin)} with odds of ${forOdds(fast)}.`,
    slow === undefined || dispersion === undefined
      ? "Slow lane: silent, fewer than five windows with requests."
      : `Slow lane: worse than ${border(margin)} with odds of ${forOdds(slow)}, tempered by ${dispersion.ratio.toFixed(1)} and ${dispersion.absolute.toFixed(1)}.`,
    `Pass: better than ${border(unacceptable)} with odds of ${forOdds(pass)}.`,
    enough(veto)
      ? `No pass while this step's counts, taken plainly, say that it is worse than ${border(margin)} (${odds(veto.combined)}).`
      : undefined,
    latest === undefined
      ? "The canary has had no traffic yet."
      : silence(mode === "first" ? "version" : "canary", latest.canary.state),
    silence("control", latest?.control?.state),
  ];
  return reasons.filter((reason) => reason !== undefined);
}
