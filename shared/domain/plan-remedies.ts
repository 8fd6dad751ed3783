// What would make a rollout provable at today's traffic: changes of the policy, one at a time, each tried with the planner.
import { formatDuration } from "./duration.ts";
import { POLICY_DURATION_MS_MAX, type RolloutPolicy } from "./rollout-policy.ts";
import { timeToVerdict } from "./time-to-verdict.ts";

/** A change of the policy that makes it provable, and how long it takes then. */
export interface Remedy {
  /** As it is written in the configuration, such as `timeLimit: 3h`. */
  readonly change: string;
  readonly seconds: number;
}

/** Tolerances that are tried: rates that somebody may still want. */
const TOLERANCES = [0.02, 0.05, 0.1];
/** Room that a longer time limit leaves beyond the expected time, for half of the rollouts take longer than that. */
const TIME_ROOM = 2;
const HOUR_MS = 3_600_000;

/** What is known of the traffic today. */
export interface TrafficToday {
  readonly requestsPerSecond: number;
  readonly errorRate: number;
}

/** Canary requests a second at each step. */
export const canaryRates = ({ steps }: RolloutPolicy, requestsPerSecond: number): readonly number[] =>
  steps.map((weight) => (requestsPerSecond * weight) / 100);

function secondsWith(policy: RolloutPolicy, today: TrafficToday): number | undefined {
  const canaryRequestsPerSecond = canaryRates(policy, today.requestsPerSecond);
  const plan = timeToVerdict(policy, { canaryRequestsPerSecond, errorRate: today.errorRate });
  return plan.kind === "provable" ? plan.seconds : undefined;
}

/** Changes of which each alone makes the policy provable at this traffic; none without traffic. */
export function planRemedies(policy: RolloutPolicy, today: TrafficToday): readonly Remedy[] {
  const remedies: Remedy[] = [];
  if (!(today.requestsPerSecond > 0)) return remedies;
  const patient = secondsWith({ ...policy, timeLimitMs: POLICY_DURATION_MS_MAX }, today);
  if (patient !== undefined) {
    const limitMs = Math.min(
      POLICY_DURATION_MS_MAX,
      Math.ceil((patient * 1_000 * TIME_ROOM) / HOUR_MS) * HOUR_MS,
    );
    remedies.push({ change: `timeLimit: ${formatDuration(limitMs)}`, seconds: patient });
  }
  const last = policy.steps.at(-1) ?? 0;
  if (last < 50) {
    const steps = [...policy.steps, 50];
    const seconds = secondsWith({ ...policy, steps }, today);
    if (seconds !== undefined) remedies.push({ change: `steps: [${steps.join(", ")}]`, seconds });
  }
  for (const tolerance of TOLERANCES) {
    if (tolerance <= policy.judge.errors.tolerance) continue;
    const errors = { ...policy.judge.errors, tolerance };
    const seconds = secondsWith({ ...policy, judge: { ...policy.judge, errors } }, today);
    if (seconds === undefined) continue;
    remedies.push({ change: `judge.errors.tolerance: ${tolerance}`, seconds });
    break;
  }
  const fewer = Math.max(1, Math.floor(today.requestsPerSecond * (last / 100) * 60));
  if (fewer < policy.step.minRequests) {
    const seconds = secondsWith({ ...policy, step: { ...policy.step, minRequests: fewer } }, today);
    if (seconds !== undefined) remedies.push({ change: `step.minRequests: ${fewer}`, seconds });
  }
  return remedies;
}
