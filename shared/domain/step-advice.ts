// What a look means for the rollout: go on, wait, promote or go back. The rules that a verdict alone does not hold.
import type { Evidence } from "./evidence.ts";
import type { Judgement } from "./judge.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";

/** What to do after a look, and why, for people. */
export interface StepAdvice {
  readonly action: "wait" | "advance" | "promote" | "roll-back";
  readonly reason: string;
}

/**
 * A step ends on its minimum of canary requests and of seconds, and on *pass* too where the policy asks for it; the last step
 * below 100 always needs *pass* on the evidence as it stands at this look. *Fail* goes back at any look. The time limit
 * is not looked at here: a durable timer keeps it. For an endpoint's first version `promote` means: in good standing.
 */
export function stepAdvice(policy: RolloutPolicy, evidence: Evidence, judgement: Judgement): StepAdvice {
  if (judgement.verdict === "fail") return { action: "roll-back", reason: judgement.sentence };
  if (evidence.mode === "first") {
    const action = judgement.verdict === "pass" ? "promote" : "wait";
    return { action, reason: judgement.sentence };
  }
  const { step } = judgement;
  const here = evidence.segments.filter((segment) => segment.step === step);
  const seconds = here.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs), 0) / 1_000;
  const requests = here.reduce((sum, { canary }) => sum + canary.requests, 0);
  const { minSeconds, minRequests } = policy.step;
  const missing: string[] = [];
  if (seconds < minSeconds) missing.push(`${Math.ceil(minSeconds - seconds)} more seconds`);
  if (requests < minRequests) missing.push(`${Math.ceil(minRequests - requests)} more canary requests`);
  const last = step >= policy.steps.length - 1;
  if ((last || policy.advanceOn === "pass") && judgement.verdict !== "pass")
    missing.push("proof of harmlessness");
  if (missing.length > 0) return { action: "wait", reason: `This step needs ${missing.join(" and ")}.` };
  return last
    ? { action: "promote", reason: judgement.sentence }
    : {
        action: "advance",
        reason: `${requests} canary requests in ${Math.floor(seconds)} s without proof of harm.`,
      };
}
