// `signalbox judge plan`: how long a rollout takes at the traffic of now, told before it starts.
import { counterIncreases } from "../../shared/domain/counter-increase.ts";
import { canaryRates, planRemedies, type Remedy } from "../../shared/domain/plan-remedies.ts";
import type { Recording } from "../../shared/domain/recording.ts";
import type { RolloutPolicy } from "../../shared/domain/rollout-policy.ts";
import { type PlannedStep, timeToVerdict } from "../../shared/domain/time-to-verdict.ts";
import { formatTable } from "../table.ts";
import { policyText, secondsText } from "./policy-file.ts";

/** The answer, as `--json` prints it. */
export interface PlanAnswer {
  readonly endpoint: string;
  readonly policy: RolloutPolicy;
  /** Seconds over which the traffic was counted, and what came in them. */
  readonly traffic: {
    readonly seconds: number;
    readonly requestsPerSecond: number;
    readonly errorRate: number;
  };
  readonly provable: boolean;
  /** Expected seconds to promotion; undefined when it cannot be proven. */
  readonly seconds: number | undefined;
  readonly steps: readonly (PlannedStep & { readonly canaryRequestsPerSecond: number })[];
  /** Why it cannot be proven. */
  readonly reason: string | undefined;
  readonly remedies: readonly Remedy[];
}

/** What came to an endpoint, over all versions, from the recorded counters. */
export function trafficOf(recording: Recording): PlanAnswer["traffic"] {
  const increases = counterIncreases(recording.samples, Infinity);
  const from = increases.reduce((least, { fromMs }) => Math.min(least, fromMs), Infinity);
  const to = increases.reduce((most, { toMs }) => Math.max(most, toMs), -Infinity);
  const seconds = Math.max(0, (to - from) / 1_000) || 0;
  const requests = increases.reduce((sum, each) => sum + each.requests, 0);
  const errors = increases.reduce((sum, each) => sum + each.errors, 0);
  return {
    seconds: Number.isFinite(seconds) ? seconds : 0,
    requestsPerSecond: Number.isFinite(seconds) && seconds > 0 ? requests / seconds : 0,
    errorRate: requests > 0 ? errors / requests : 0,
  };
}

/** Plans a rollout of this policy at this traffic. */
export function planned(endpoint: string, policy: RolloutPolicy, traffic: PlanAnswer["traffic"]): PlanAnswer {
  const rates = canaryRates(policy, traffic.requestsPerSecond);
  const plan = timeToVerdict(policy, { canaryRequestsPerSecond: rates, errorRate: traffic.errorRate });
  const provable = plan.kind === "provable";
  return {
    endpoint,
    policy,
    traffic,
    provable,
    seconds: provable ? plan.seconds : undefined,
    steps: plan.steps.map((step, index) => ({ ...step, canaryRequestsPerSecond: rates[index] ?? 0 })),
    reason: provable ? undefined : plan.reason,
    remedies: provable ? [] : planRemedies(policy, traffic),
  };
}

/** The answer for people. */
export function planText({
  endpoint,
  policy,
  traffic,
  seconds,
  steps,
  reason,
  remedies,
}: PlanAnswer): string {
  const errors = `${Number((100 * traffic.errorRate).toPrecision(2))} % errors`;
  const head = [
    `${endpoint} has ${traffic.requestsPerSecond.toFixed(1)} requests/s and ${errors}, over the last ${secondsText(traffic.seconds)}.`,
    `Policy: ${policyText(policy)}.`,
    "",
  ];
  if (traffic.requestsPerSecond === 0) {
    return [
      ...head,
      "Cannot be proven today: nobody asks this endpoint anything. Send it traffic (a replay of old requests will do), or promote by hand with `signalbox advance`.",
    ].join("\n");
  }
  const table = formatTable(
    steps,
    [
      { heading: "step", value: ({ weight }) => `${weight} %` },
      { heading: "canary requests/s", value: (step) => step.canaryRequestsPerSecond.toFixed(1) },
      { heading: "takes", value: (step) => secondsText(step.seconds) },
      { heading: "canary requests", value: (step) => step.canaryRequests },
    ],
    "",
  );
  if (seconds !== undefined) {
    const requests = steps.reduce((sum, { canaryRequests }) => sum + canaryRequests, 0);
    const words = `A version that is as good as this one is promoted after about ${secondsText(seconds)} and ${requests} requests; half of them take longer.`;
    return [...head, table, "", words].join("\n");
  }
  const help =
    remedies.length === 0
      ? ["No single change of the policy would help: send more traffic."]
      : [
          "Any one of these would make it provable:",
          ...remedies.map(({ change, seconds: then }) => `  ${change}   (about ${secondsText(then)})`),
        ];
  return [...head, table, "", reason ?? "", ...help].join("\n");
}
