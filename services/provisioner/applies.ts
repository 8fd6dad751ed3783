// One apply at a time per stack, in merge order. The saved plan is applied when it is approved and nothing that it was made
// from has changed; otherwise the merge is planned again, and that plan proceeds when it means the same.
import { shortHash } from "../../shared/domain/fact.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { type PlanState, isApproved, plan } from "../../shared/domain/plan.ts";
import {
  APPLY_AGAIN_MAX,
  type ApplyState,
  type StackState,
  nextApply,
  runningApply,
  stack,
} from "../../shared/domain/stack.ts";
import type { BuildResult } from "../../shared/ports/builds.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { applyBuildId, applySpec, launchAtOnce } from "./build-spec.ts";
import { ACTOR, type ProvisionerPorts } from "./ports.ts";

type Failure = Omit<FactData<"apply.failed">, "apply" | "plan">;

/** The name of a merge's apply on a stack: repository, commit, stack and phase make it, so `closed` and `push` are one. */
export function applyName(
  repository: string,
  mergeCommit: string,
  stackName: string,
  attempt: number,
): string {
  return `${stackName}/applies/${shortHash(repository, mergeCommit, stackName)}-${attempt}`;
}

const attemptOf = (apply: string): number => Number(apply.slice(apply.lastIndexOf("-") + 1));

/** The plan that is made after the merge for this apply. */
export const mergePlanName = (stackName: string, apply: string): string =>
  `${stackName}/plans/m-${shortHash(apply)}`;

/** Whether the applies that must come first are done: `wait`, `ready`, or the one that failed. */
async function dependencies(
  ports: ProvisionerPorts,
  apply: ApplyState,
): Promise<"wait" | "ready" | { failed: string }> {
  for (const name of apply.request.after) {
    const { state } = await load(ports.ledger, stack, name.split("/").slice(0, 2).join("/"));
    const dependency = state.applies.get(name);
    if (dependency?.state === "finished") continue;
    if (dependency?.failure?.reason === "SUPERSEDED" || dependency?.failure?.reason === "STALE_STATE") {
      if (runningApply(state) === undefined && nextApply(state) === undefined) continue;
      return "wait";
    }
    if (dependency?.state === "failed" || dependency?.state === "interrupted") return { failed: name };
    return "wait";
  }
  return "ready";
}

async function failApply(
  ports: ProvisionerPorts,
  stackName: string,
  apply: ApplyState,
  failure: Failure,
  cause: string,
): Promise<void> {
  const { request } = apply;
  const attempt = attemptOf(request.apply);
  const again =
    failure.reason === "STALE_STATE" && attempt < APPLY_AGAIN_MAX
      ? applyName(request.repository, request.mergeCommit, stackName, attempt + 1)
      : undefined;
  await record(ports, stack, {
    stream: stackName,
    cause,
    // Two passes may see the same failure, one of them before the apply was told which plan was reviewed.
    inputHash: [request.apply, failure.reason],
    input: {
      kind: "fail-apply",
      failure: { apply: request.apply, plan: apply.started?.plan ?? request.plan ?? "", ...failure },
      ...(again === undefined ? {} : { again }),
    },
    actor: ACTOR,
  });
}

/** Whether the reviewed plan's saved bytes may be applied as they are. */
function usable(state: StackState, apply: ApplyState, reviewed: PlanState | undefined): boolean {
  return (
    reviewed?.phase === "ready" &&
    attemptOf(apply.request.apply) === 1 &&
    reviewed.finished?.inputs.closureDigest === apply.request.closureDigest &&
    reviewed.finished.inputs.configDigest === state.settings?.configDigest
  );
}

async function planAgain(
  ports: ProvisionerPorts,
  name: string,
  stackName: string,
  state: StackState,
  apply: ApplyState,
): Promise<void> {
  const { settings } = state;
  if (settings === undefined) return;
  const { request } = apply;
  const { repository: _, commit: __, mergeOrder: ___, ...own } = settings;
  await record(ports, plan, {
    stream: name,
    cause: `apply/${request.apply}`,
    inputHash: request.apply,
    input: {
      kind: "request",
      request: {
        stack: stackName,
        repository: request.repository,
        ...(request.pullRequest === undefined ? {} : { pullRequest: request.pullRequest }),
        phase: "merge",
        headCommit: request.mergeCommit,
        baseCommit: request.mergeCommit,
        tree: request.mergeCommit,
        closureDigest: request.closureDigest,
        settings: own,
        newStack: false,
        authors: [...(await reviewedAuthors(ports, request.plan))],
        ...(request.plan === undefined ? {} : { repeats: request.plan }),
      },
    },
    actor: ACTOR,
  });
}

async function reviewedAuthors(
  { ledger }: ProvisionerPorts,
  name: string | undefined,
): Promise<readonly string[]> {
  return name === undefined ? [] : ((await load(ledger, plan, name)).state.request?.authors ?? []);
}

/** Moves a stack's next apply one step on: wait, plan again, start, or fail. Safe to call at any time. `likely`: the plan that it needs. */
export async function advanceStack(
  ports: ProvisionerPorts,
  stackName: string,
  likely?: string,
): Promise<void> {
  const [{ state, version }, known] = await Promise.all([
    load(ports.ledger, stack, stackName),
    likely === undefined ? undefined : load(ports.ledger, plan, likely),
  ]);
  const next = nextApply(state);
  if (next === undefined) return;
  const { apply } = next.request;
  const ready = await dependencies(ports, next);
  if (ready === "wait") return;
  if (ready !== "ready") {
    const nextStep = "Mend the stack that this one depends on; the next merge applies both.";
    const message = `${ready.failed}, which must come first, did not finish.`;
    return failApply(
      ports,
      stackName,
      next,
      { reason: "DEPENDENCY_FAILED", message, nextStep },
      `dependency/${apply}`,
    );
  }
  const reviewedName = next.request.plan;
  const planState = async (name: string): Promise<PlanState> =>
    (name === likely && known !== undefined ? known : await load(ports.ledger, plan, name)).state;
  const reviewed = reviewedName === undefined ? undefined : await planState(reviewedName);
  const again = mergePlanName(stackName, apply);
  const chosen = usable(state, next, reviewed) && reviewedName !== undefined ? reviewedName : again;
  const chosenState = chosen === reviewedName ? reviewed : await planState(chosen);
  if (chosenState === undefined || chosenState.phase === "absent")
    return planAgain(ports, again, stackName, state, next);
  if (chosenState.phase === "failed") {
    const { reason = "PLAN_FAILED", message = "", nextStep = "" } = chosenState.failure ?? {};
    return failApply(ports, stackName, next, { reason, message, nextStep }, `plan/${chosen}`);
  }
  const sameAsApproved =
    reviewed !== undefined &&
    isApproved(reviewed) &&
    reviewed.finished?.digest === chosenState.finished?.digest;
  const { phase, request, finished } = chosenState;
  if (phase !== "ready" || request === undefined || finished === undefined) return;
  if (!isApproved(chosenState) && !sameAsApproved) return;
  const build = applyBuildId(apply);
  // Read while the start is recorded; a failure counts where it is awaited.
  const specification = applySpec(ports, request, finished);
  specification.catch(() => undefined);
  const recorded = await record(ports, stack, {
    stream: stackName,
    // With the version: a start that lost its turn is asked for again when the stream has moved on.
    cause: `start/${apply}/${version}`,
    input: {
      kind: "start-apply",
      started: { apply, plan: chosen, digest: finished.digest, build },
    },
    actor: ACTOR,
  });
  if (recorded.status === "appended") await launchAtOnce(ports, build, specification);
}

/** Starts the build of the apply that runs. The build program runs at most once per id, so this may be repeated. */
export async function launchApply(ports: ProvisionerPorts, stackName: string, name: string): Promise<void> {
  const { state } = await load(ports.ledger, stack, stackName);
  const apply = state.applies.get(name);
  if (apply?.state !== "running" || apply.started === undefined) return;
  const { state: chosen } = await load(ports.ledger, plan, apply.started.plan);
  if (chosen.request === undefined || chosen.finished === undefined) return;
  const result = await applySpec(ports, chosen.request, chosen.finished);
  if (result.kind === "spec") return ports.builds.start(apply.started.build, result.spec);
  const nextStep = "Read the message, correct the stack's files, and merge again.";
  await failApply(
    ports,
    stackName,
    apply,
    { build: apply.started.build, reason: "SCAN_REFUSED", message: result.message, nextStep },
    `build/${apply.started.build}`,
  );
}

/** Records what an apply's build reported. */
export async function settleApply(
  ports: ProvisionerPorts,
  stackName: string,
  name: string,
  build: string,
  result: BuildResult,
): Promise<void> {
  const { state } = await load(ports.ledger, stack, stackName);
  const apply = state.applies.get(name);
  if (apply?.started === undefined) return;
  const cause = `build/${build}`;
  if (result.state === "applied") {
    await record(ports, stack, {
      stream: stackName,
      cause,
      input: {
        kind: "finish-apply",
        finished: {
          apply: name,
          plan: apply.started.plan,
          build,
          mergeCommit: apply.request.mergeCommit,
          counts: result.counts,
          outputs: [...result.outputs],
          stateSerial: result.stateSerial,
          durationMs: result.durationMs,
        },
      },
      actor: ACTOR,
    });
    return;
  }
  const failed =
    result.state === "failed"
      ? result
      : {
          reason: "INTERNAL",
          message: `The build ${build} of an apply reported ${result.state}.`,
          nextStep: "Report this as a defect.",
          resources: [],
        };
  if (failed.reason === "INTERRUPTED") {
    const { message, nextStep } = failed;
    await record(ports, stack, {
      stream: stackName,
      cause,
      input: {
        kind: "interrupt-apply",
        interrupted: { apply: name, build, resources: [...failed.resources], message, nextStep },
      },
      actor: ACTOR,
    });
    return;
  }
  const { reason, message, nextStep } = failed;
  await failApply(ports, stackName, apply, { build, reason, message, nextStep }, cause);
}

/** After an apply ended: the stacks whose applies wait for it go on, or fail with it. */
export async function advanceDependents(ports: ProvisionerPorts, stackName: string): Promise<void> {
  const stacks = await ports.views.list({ collection: "stacks", limit: STACKS_MAX });
  for (const { key, document } of stacks) {
    const dependsOn = (document["dependsOn"] ?? []) as readonly string[];
    if (dependsOn.some((id) => `stacks/${id}` === stackName)) await advanceStack(ports, key);
  }
}

/** Stacks of one installation. */
export const STACKS_MAX = 1_000;
