// What the workflow does next: it asks here, sleeps as long as it is told, and asks again.
import type { FactData } from "../../../shared/domain/facts.ts";
import type { Verdict } from "../../../shared/domain/judge.ts";
import type { RolloutPolicy } from "../../../shared/domain/rollout-policy.ts";
import { endpointOf } from "../../../shared/domain/rollout-name.ts";
import { policyOf } from "../../../shared/domain/rollout-plan.ts";
import { requireOwner } from "../../../shared/domain/rollout-rules.ts";
import { hasEnded, ROLLOUT_STATES, type RolloutState } from "../../../shared/domain/rollout-state.ts";
import type { TrafficDocument } from "../../../shared/domain/traffic.ts";
import { readTraffic } from "../../../shared/runtime/traffic.ts";
import { settledRollout } from "../../../shared/runtime/rollout-standing.ts";
import { takeBack } from "../../../shared/runtime/rollout-take-back.ts";
import { type Assessment, assess, recordVerdict } from "./assess.ts";
import type { RolloutPorts } from "./ports.ts";

/** Most looks at one rollout, so that a long one stays far below a workflow's limit of 100,000 steps. */
export const LOOKS_MAX = 5_000;

/** What the workflow is told: `done`: it is over; `wait`: look again; `step`: move to `step`; `finish`: end it with `verdict`. */
export interface Look {
  readonly next: "wait" | "step" | "finish" | "done";
  /** How long to sleep before the next look. */
  readonly seconds: number;
  readonly step?: number;
  readonly verdict?: Verdict;
  /** For people: what was seen. */
  readonly sentence: string;
  /** How it ended, when it is over. */
  readonly outcome?: string;
  readonly counts?: Pick<FactData<"rollout.judged">, "canary" | "control">;
}

/** Time between two looks: the policy's, stretched for long time limits. */
export function lookSeconds(policy: RolloutPolicy): number {
  return Math.max(policy.judge.lookMs, policy.timeLimitMs / LOOKS_MAX) / 1_000;
}

const done = (state: RolloutState): Look => ({
  next: "done",
  seconds: 0,
  sentence: state.endReason ?? "",
  outcome: ROLLOUT_STATES[state.phase],
});

/** Why the rollout stands still, if it does. */
function standstill(state: RolloutState, document: TrafficDocument): string | undefined {
  const { hold } = document.traffic;
  if (hold !== null) return `The endpoint is held (${hold.reason}): resume it to go on.`;
  return state.paused ? "The rollout is paused by a person." : undefined;
}

/** The next move after an assessment that found a judgement or nothing to judge yet. */
function nextMove(
  state: RolloutState,
  assessment: Exclude<Assessment, { kind: "release-failed" }>,
  { expired, still, seconds }: { expired: boolean; still: string | undefined; seconds: number },
): Look {
  const wait = (sentence: string): Look => ({ next: "wait", seconds, sentence });
  if (assessment.kind === "preparing") return wait(assessment.sentence);
  if (assessment.kind === "unexposed" || assessment.kind === "unjudged") {
    const { sentence } = assessment;
    if (expired) return { next: "finish", seconds, verdict: "inconclusive", sentence };
    if (still !== undefined) return wait(still);
    return assessment.kind === "unexposed" ? { next: "step", seconds, step: 0, sentence } : wait(sentence);
  }
  const { judgement, advice } = assessment;
  const { canary, control, verdict, sentence } = judgement;
  const seen = { seconds, sentence, counts: { canary, control } };
  if (verdict === "fail") return { ...seen, next: "finish", verdict };
  if (still === undefined && advice.action === "promote") return { ...seen, next: "finish", verdict: "pass" };
  if (expired) return { ...seen, next: "finish", verdict: "inconclusive" };
  if (still !== undefined) return { ...seen, next: "wait", verdict, sentence: `${still} ${sentence}` };
  // Until the counters have caught up with a move, the judge still speaks of the step before.
  if (advice.action === "advance" && judgement.step === state.step) {
    return { ...seen, next: "step", step: state.step + 1, verdict, sentence: advice.reason };
  }
  const missing = advice.action === "wait" && advice.reason !== sentence ? ` ${advice.reason}` : "";
  return { ...seen, next: "wait", verdict, sentence: `${sentence}${missing}` };
}

/**
 * Looks at a rollout for the execution that owns it. Records a release that became ready or failed and a verdict that changed;
 * a failed release is taken back here. Errors: ABORTED `NOT_THE_OWNER` for any other execution.
 */
export async function look(ports: RolloutPorts, name: string, execution: string): Promise<Look> {
  const state = await settledRollout(ports, name);
  if (hasEnded(state)) return done(state);
  const started = requireOwner(state, execution);
  const policy = policyOf(started);
  const assessment = await assess(ports, name, state);
  if (assessment.kind === "release-failed") {
    const { failed } = assessment;
    return done(
      await takeBack(ports, name, {
        trigger: "release-failed",
        reason: failed.message,
        failed,
        actor: execution,
      }),
    );
  }
  const expired = ports.clock.now().getTime() >= Date.parse(started.deadline);
  // A policy that holds at the time limit has paused the rollout: from then on it waits for a person.
  const waits = expired && policy.onInconclusive === "hold" && state.paused;
  const document = await readTraffic(ports.traffic, endpointOf(name));
  const next = nextMove(state, assessment, {
    expired: expired && !waits,
    still: standstill(state, document),
    seconds: lookSeconds(policy),
  });
  if (assessment.kind === "judged") {
    const final = next.next === "finish" && next.verdict === "inconclusive";
    await recordVerdict(ports, name, assessment.judgement, final);
  }
  return next;
}
