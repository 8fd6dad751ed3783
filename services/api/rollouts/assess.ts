// One look at a running rollout: is its release ready, and what do the counters say? Records what changed, moves nothing.
import type { FactData } from "../../../shared/domain/facts.ts";
import { eValuesOf, judge, type Judgement } from "../../../shared/domain/judge.ts";
import { rollout } from "../../../shared/domain/rollout.ts";
import { backendsOf, policyOf } from "../../../shared/domain/rollout-plan.ts";
import { requireStarted } from "../../../shared/domain/rollout-rules.ts";
import type { RolloutState } from "../../../shared/domain/rollout-state.ts";
import { stepAdvice, type StepAdvice } from "../../../shared/domain/step-advice.ts";
import type { BackendStatus } from "../../../shared/ports/deploys.ts";
import { load, record } from "../../../shared/runtime/record.ts";
import { OBSERVER } from "../../../shared/runtime/record-traffic.ts";
import { evidenceOf } from "./evidence.ts";
import type { RolloutPorts } from "./ports.ts";

/** A backend that does not answer within this is not known to be ready. */
export const STATUS_TIMEOUT_MS = 1_000;

type ReleaseFailed = FactData<"release.failed">;

/** What a look found. */
export type Assessment =
  | { readonly kind: "preparing"; readonly sentence: string }
  | { readonly kind: "release-failed"; readonly failed: ReleaseFailed }
  /** Ready to serve, and without traffic yet. */
  | { readonly kind: "unexposed"; readonly sentence: string }
  | { readonly kind: "unjudged"; readonly sentence: string }
  | { readonly kind: "judged"; readonly judgement: Judgement; readonly advice: StepAdvice };

const releaseFailed = (modelVersion: string, reason: string, message: string): ReleaseFailed => ({
  modelVersion,
  reason,
  message,
  nextStep: "Mend the version or its server, then register a new version, or retry this rollout.",
});

/** How the candidate's backend stands; a release that becomes ready is recorded once. */
async function assessRelease(
  ports: RolloutPorts,
  name: string,
  state: RolloutState,
): Promise<Assessment | undefined> {
  const { modelVersion, endpoint, deadline } = requireStarted(state);
  const backend = backendsOf(requireStarted(state))[modelVersion] ?? "";
  const status: BackendStatus = await ports.deploys.status(backend, STATUS_TIMEOUT_MS);
  if (status.state === "failed") {
    return { kind: "release-failed", failed: releaseFailed(modelVersion, "BACKEND_FAILED", status.message) };
  }
  if (state.release === "ready") return undefined;
  const now = ports.clock.now().getTime();
  if (status.state !== "ready") {
    if (now < Date.parse(deadline)) {
      return {
        kind: "preparing",
        sentence: `The release is being prepared: ${status.message || status.state}.`,
      };
    }
    const message = `It was not ready to serve on ${endpoint} by the time limit (${status.message || status.state}).`;
    return { kind: "release-failed", failed: releaseFailed(modelVersion, "NOT_READY_IN_TIME", message) };
  }
  const durationMs = Math.max(0, now - Date.parse(state.startedAt ?? deadline));
  await record(ports, rollout, {
    stream: name,
    cause: `${name}/release-prepared`,
    input: { kind: "release-prepared", prepared: { modelVersion, backend, durationMs } },
    actor: OBSERVER,
    inputHash: backend,
  });
  return undefined;
}

/** The judgement in the shape of its fact. */
export function judgedData(judgement: Judgement): FactData<"rollout.judged"> {
  const { verdict, step, control, canary, sentence } = judgement;
  const counts = ({ requests, errors }: { requests: number; errors: number }) => ({
    requests: Math.round(requests),
    errors: Math.round(errors),
  });
  return {
    verdict,
    step,
    control: counts(control),
    canary: counts(canary),
    eValues: { ...eValuesOf(judgement) },
    sentence,
  };
}

/** Records a verdict that changed, or the last one (`final`) with its evidence. The same look by two callers is recorded once. */
export async function recordVerdict(
  ports: RolloutPorts,
  name: string,
  judgement: Judgement,
  final: boolean,
): Promise<RolloutState> {
  const { state, version } = await load(ports.ledger, rollout, name);
  const changed = judgement.verdict !== (state.judged?.verdict ?? "inconclusive");
  if (!changed && !final) return state;
  await record(ports, rollout, {
    stream: name,
    cause: final ? `${name}/judged-at-the-limit` : `${name}/judged-${version}-${judgement.verdict}`,
    input: { kind: "judged", judged: judgedData(judgement), final },
    actor: OBSERVER,
    inputHash: final ? "final" : judgement.verdict,
  });
  return (await load(ports.ledger, rollout, name)).state;
}

/** Looks at the release and at the evidence. `state` must be a started rollout with all traffic moves recorded. */
export async function assess(ports: RolloutPorts, name: string, state: RolloutState): Promise<Assessment> {
  const started = requireStarted(state);
  const release = await assessRelease(ports, name, state);
  if (release !== undefined) return release;
  if (state.step < 0) return { kind: "unexposed", sentence: "The release is ready and has no traffic yet." };
  const gathered = await evidenceOf(ports, started, state.startedAt ?? started.deadline);
  if (gathered.kind === "refused") {
    const problems = gathered.problems.map(({ path, message }) => `${path}: ${message}`).join(" ");
    return { kind: "unjudged", sentence: `The counters cannot be believed. ${problems}` };
  }
  const policy = policyOf(started);
  const look = judge(policy, gathered.evidence);
  if (look.verdict === "refused") {
    const problems = look.problems.map(({ path, message }) => `${path}: ${message}`).join(" ");
    return { kind: "unjudged", sentence: `The counts cannot be judged. ${problems}` };
  }
  const sentence = gathered.reachable ? look.sentence : `The metrics cannot be reached. ${look.sentence}`;
  const judgement = { ...look, sentence };
  return { kind: "judged", judgement, advice: stepAdvice(policy, gathered.evidence, judgement) };
}
