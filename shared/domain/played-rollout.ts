// A rollout that is played without time passing: counts come from a source, the real judge looks, the real rules act.
import type { ArmCounts } from "./e-value.ts";
import type { SegmentEvidence, WindowCounts } from "./evidence.ts";
import { judge } from "./judge.ts";
import type { RolloutPolicy } from "./rollout-policy.ts";
import { stepAdvice } from "./step-advice.ts";

/** What one look adds. */
export interface PlayedCounts {
  readonly canary: ArmCounts;
  readonly control: ArmCounts;
}

/** Where a played rollout stands when counts are asked for. */
export interface PlayedLook {
  readonly nowMs: number;
  readonly step: number;
  /** The canary's share of the traffic, in percent. */
  readonly weight: number;
}

/** How a played rollout ended. `watched`: it was told to go on and nothing was proven against the canary. */
export interface Outcome {
  readonly end: "promoted" | "rolled-back" | "inconclusive" | "watched";
  readonly elapsedMs: number;
  readonly step: number;
  readonly canaryErrors: number;
  readonly canaryRequests: number;
}

/** `watch` ignores *pass* and stays at the last step until the time limit. */
export interface PlayOptions {
  readonly watch?: boolean;
}

const added = (before: ArmCounts | null | undefined, more: ArmCounts): SegmentEvidence["canary"] => ({
  requests: more.requests + (before?.requests ?? 0),
  errors: more.errors + (before?.errors ?? 0),
  state: "errors",
});

/** Plays one rollout from its first step to its end; `counted` tells what each look adds. Scrapes and looks come every `lookMs`. */
export function playRollout(
  policy: RolloutPolicy,
  counted: (look: PlayedLook) => PlayedCounts,
  options: PlayOptions = {},
): Outcome {
  const { lookMs, windowMs } = policy.judge;
  const segments: SegmentEvidence[] = [];
  const windows: WindowCounts[] = [];
  const total = { requests: 0, errors: 0 };
  const outcome = (end: Outcome["end"], elapsedMs: number, step: number): Outcome => ({
    end,
    elapsedMs,
    step,
    canaryErrors: total.errors,
    canaryRequests: total.requests,
  });
  let step = 0;
  let fromMs = 0;
  for (let nowMs = lookMs; nowMs <= policy.timeLimitMs; nowMs += lookMs) {
    const weight = policy.steps[step] ?? 0;
    const { canary, control } = counted({ nowMs, step, weight });
    total.requests += canary.requests;
    total.errors += canary.errors;
    const before = segments[step];
    const counts = { canary: added(before?.canary, canary), control: added(before?.control, control) };
    segments[step] = { step, fromMs, toMs: nowMs, weight, ...counts };
    const index = Math.floor((nowMs - lookMs / 2 - fromMs) / windowMs);
    windows.push({ segment: step, index, canary, control });
    const evidence = { mode: "compare" as const, segments, windows };
    const look = judge(policy, evidence);
    if (look.verdict === "refused")
      throw new Error(`The counts of a played rollout were refused: ${JSON.stringify(look.problems)}`);
    const { action } = stepAdvice(policy, evidence, look);
    if (action === "roll-back") return outcome("rolled-back", nowMs, step);
    if (action === "promote" && options.watch !== true) return outcome("promoted", nowMs, step);
    if (action === "advance") {
      step += 1;
      fromMs = nowMs;
    }
  }
  return outcome(options.watch === true ? "watched" : "inconclusive", policy.timeLimitMs, step);
}
