// What a started rollout does next to the weights, as its policy and its facts say.
import { Compile, type Validator } from "typebox/compile";
import { ControlPlaneError } from "./errors.ts";
import { backendName } from "./backend.ts";
import type { FactData } from "./facts.ts";
import { RolloutPolicy } from "./rollout-policy.ts";
import type { RolloutState } from "./rollout-state.ts";
import type { Weights } from "./traffic.ts";

type Started = FactData<"rollout.started">;

/** Compiled when a rollout is first looked at: every look reads its policy, and every start of a service would compile it. */
let compiled: Validator | undefined;

/** The policy that was copied into the rollout when it started. */
export function policyOf(started: Started): RolloutPolicy {
  const { policy } = started;
  compiled ??= Compile(RolloutPolicy);
  if (compiled.Check(policy)) return policy as RolloutPolicy;
  throw new ControlPlaneError(
    "INTERNAL",
    `The policy recorded in the rollout of ${started.modelVersion} cannot be read: abort the rollout and retry it.`,
    { reason: "POLICY_UNREADABLE", metadata: { modelVersion: started.modelVersion } },
  );
}

/** Index of the last judged step. The first version of an endpoint has one, at 100 %. */
export function lastStepOf(started: Started): number {
  return started.previous === null ? 0 : policyOf(started).steps.length - 1;
}

/** The candidate's share at a step, in percent. */
export function weightAt(started: Started, step: number): number {
  return started.previous === null ? 100 : (policyOf(started).steps[step] ?? 100);
}

/** Weights by version with the candidate at `weight` percent and its predecessor at the rest. */
export function weightsWith(started: Started, weight: number): Weights {
  const { modelVersion, previous } = started;
  if (previous === null || weight === 100) return { [modelVersion]: 100 };
  return weight === 0 ? { [previous]: 100 } : { [modelVersion]: weight, [previous]: 100 - weight };
}

/** The backends of both versions, by version. */
export function backendsOf(started: Started): Readonly<Record<string, string>> {
  const { endpoint, modelVersion, previous } = started;
  const versions = previous === null ? [modelVersion] : [modelVersion, previous];
  return Object.fromEntries(versions.map((version) => [version, backendName(endpoint, version)]));
}

/** Whether the weights are as the rollout left them, so that its next move continues what it knows. */
export function weightsAsLeft(state: RolloutState, started: Started, weights: Weights): boolean {
  const expected = state.step < 0 ? weightsWith(started, 0) : weightsWith(started, state.weight);
  const serving = Object.entries(weights).filter(([, weight]) => weight > 0);
  if (started.previous === null && state.step < 0) {
    return serving.every(([version]) => version === started.modelVersion);
  }
  return (
    serving.length === Object.keys(expected).length &&
    serving.every(([version, weight]) => expected[version] === weight)
  );
}
