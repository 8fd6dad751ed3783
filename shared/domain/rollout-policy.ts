// How an endpoint moves to a new version: the policy as people write it, the policy as a rollout runs it, and its defaults.
import { type Static, Type } from "typebox";
import { Value } from "typebox/value";
import { parseDuration } from "./duration.ts";
import { policyConflicts, type PolicyProblem, schemaProblems } from "./policy-problems.ts";

/** Most steps below 100 %. */
export const STEPS_MAX = 20;
/** Longest time limit or standby. */
export const POLICY_DURATION_MS_MAX = 7 * 86_400_000;

const strict = { additionalProperties: false };
const Duration = Type.String({ minLength: 2, maxLength: 40 });
const Steps = Type.Array(Type.Integer({ minimum: 1, maximum: 99 }), { minItems: 1, maxItems: STEPS_MAX });
const Step = {
  minSeconds: Type.Number({ minimum: 0, maximum: 86_400 }),
  minRequests: Type.Integer({ minimum: 0, maximum: 1e9 }),
};
const OnRegistered = Type.Enum(["queue", "replace", "ignore"]);
const OnInconclusive = Type.Enum(["rollback", "hold"]);
const AdvanceOn = Type.Enum(["minimums", "pass"]);
const Alpha = Type.Number({ exclusiveMinimum: 0, maximum: 0.2 });
const Ratio = Type.Number({ minimum: 1, maximum: 1_000 });

const Errors = {
  /** An error rate that never rolls back, and below which a version is good whatever the control does. */
  tolerance: Type.Number({ exclusiveMinimum: 0, maximum: 0.5 }),
  /** m of the slow lane: the canary may have this many times the control's error rate before evidence counts against it. */
  margin: Ratio,
  /** m′: a canary that could be this many times worse than the control is not promoted. */
  unacceptable: Ratio,
  /** Chance of promoting a version that is exactly at the border of the unacceptable. */
  passAlpha: Alpha,
  /** Chance, of the slow lane, of rolling back a version that is not worse than `margin`. */
  failAlpha: Alpha,
  /** m and α of the fast lane, which takes the counts at face value and needs no windows. */
  fastMargin: Ratio,
  fastAlpha: Alpha,
  /** How much an arm's error rate is assumed to wobble from minute to minute (coefficient of variation) until windows have measured it. */
  noise: Type.Number({ minimum: 0, maximum: 2 }),
};

const optional = <Fields extends Record<string, Type.TSchema>>(fields: Fields) =>
  Type.Partial(Type.Object(fields), strict);

/** The `rollout:` block of the configuration, all of it optional. Durations are texts such as `60s`, `30m`. */
export const RolloutPolicyInput = optional({
  onRegistered: OnRegistered,
  onInconclusive: OnInconclusive,
  advanceOn: AdvanceOn,
  steps: Steps,
  step: optional(Step),
  timeLimit: Duration,
  standby: Duration,
  hold: Type.Boolean(),
  judge: optional({ window: Duration, look: Duration, scrape: Duration, errors: optional(Errors) }),
});
/** What a person writes. */
export type RolloutPolicyInput = Static<typeof RolloutPolicyInput>;

const Milliseconds = Type.Integer({ minimum: 1, maximum: POLICY_DURATION_MS_MAX });

/** The whole policy, as it is copied into `rollout.started`. */
export const RolloutPolicy = Type.Object(
  {
    /** What a newly registered version does while a rollout runs. */
    onRegistered: OnRegistered,
    /** What happens at the time limit without a verdict: go back, or stay at the last weights and wait for a person. */
    onInconclusive: OnInconclusive,
    /** Whether a step ends on its minimums alone, or needs *pass*; the last one always needs *pass*. */
    advanceOn: AdvanceOn,
    /** Weights of the new version below 100, rising, in percent. */
    steps: Steps,
    step: Type.Object(Step, strict),
    timeLimitMs: Milliseconds,
    /** How long the previous version stays warm after it has left 100 %. */
    standbyMs: Type.Integer({ minimum: 0, maximum: POLICY_DURATION_MS_MAX }),
    /** Whether a rollback by judge or timer holds the endpoint until a person resumes it. A person's always does. */
    hold: Type.Boolean(),
    judge: Type.Object(
      {
        /** Length of the windows from which dispersion is measured. */
        windowMs: Milliseconds,
        /** Time between two looks at the evidence. */
        lookMs: Milliseconds,
        /** Time between two scrapes of the counters. */
        scrapeMs: Milliseconds,
        errors: Type.Object(Errors, strict),
      },
      strict,
    ),
  },
  strict,
);
/** The whole policy of one rollout. */
export type RolloutPolicy = Static<typeof RolloutPolicy>;

/** What applies where the configuration is silent. */
export const ROLLOUT_POLICY_DEFAULTS: RolloutPolicy = {
  onRegistered: "queue",
  onInconclusive: "rollback",
  advanceOn: "minimums",
  steps: [5, 25, 50],
  step: { minSeconds: 60, minRequests: 200 },
  timeLimitMs: 3_600_000,
  standbyMs: 1_800_000,
  hold: true,
  judge: {
    windowMs: 5_000,
    lookMs: 5_000,
    scrapeMs: 5_000,
    errors: {
      tolerance: 0.01,
      margin: 1.25,
      unacceptable: 2,
      passAlpha: 0.05,
      failAlpha: 0.01,
      fastMargin: 3,
      fastAlpha: 0.001,
      noise: 0.3,
    },
  },
};

/** A whole policy, or everything that is wrong with what was written. */
export type ResolvedPolicy =
  | { readonly kind: "policy"; readonly policy: RolloutPolicy }
  | { readonly kind: "invalid"; readonly problems: readonly PolicyProblem[] };

/** Fills the gaps of a `rollout:` block (already parsed from YAML; undefined or null stands for none) with the defaults and checks it. */
export function resolvePolicy(written: unknown): ResolvedPolicy {
  const input = written ?? {};
  const invalid = (problems: readonly PolicyProblem[]): ResolvedPolicy => ({ kind: "invalid", problems });
  if (!Value.Check(RolloutPolicyInput, input)) {
    return invalid(schemaProblems(RolloutPolicyInput, Value.Errors(RolloutPolicyInput, input)));
  }
  const problems: PolicyProblem[] = [];
  const duration = (path: string, text: string | undefined, defaultMs: number, leastMs = 1): number => {
    const valueMs = text === undefined ? defaultMs : parseDuration(text);
    if (valueMs !== undefined && valueMs >= leastMs && valueMs <= POLICY_DURATION_MS_MAX) return valueMs;
    problems.push({
      path,
      message: `${JSON.stringify(text)} is not a duration between ${leastMs} ms and 7 days.`,
      remedy: "Write a number with ms, s, m, h or d, such as 60s or 30m.",
    });
    return defaultMs;
  };
  const { judge = {}, step = {}, timeLimit, standby, ...plain } = input;
  const { judge: judgeDefaults, ...defaults } = ROLLOUT_POLICY_DEFAULTS;
  const policy: RolloutPolicy = {
    ...defaults,
    ...plain,
    step: { ...defaults.step, ...step },
    timeLimitMs: duration("timeLimit", timeLimit, defaults.timeLimitMs),
    standbyMs: duration("standby", standby, defaults.standbyMs, 0),
    judge: {
      windowMs: duration("judge.window", judge.window, judgeDefaults.windowMs),
      lookMs: duration("judge.look", judge.look, judgeDefaults.lookMs),
      scrapeMs: duration("judge.scrape", judge.scrape, judgeDefaults.scrapeMs),
      errors: { ...judgeDefaults.errors, ...judge.errors },
    },
  };
  if (problems.length === 0) problems.push(...policyConflicts(policy));
  return problems.length > 0 ? invalid(problems) : { kind: "policy", policy };
}
