// From a requested plan to a running build, and from a finished plan to the applies that wait for it.
import { isApproved, plan } from "../../shared/domain/plan.ts";
import type { BuildResult } from "../../shared/ports/builds.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { advanceStack } from "./applies.ts";
import { planBuildId, planSpec } from "./build-spec.ts";
import { ACTOR, BUILDS_RUNNING_MAX, type ProvisionerPorts } from "./ports.ts";

/** Open builds are listed up to this many; more than that wait until the next pass. */
export const OPEN_BUILDS_MAX = 200;

/** Gives a requested plan its build, unless as many builds run as may; then it waits and the reconciler tries again. */
export async function startPlan(ports: ProvisionerPorts, name: string, cause: string): Promise<void> {
  const open = await ports.views.list({ collection: "openBuilds", limit: OPEN_BUILDS_MAX });
  if (open.length >= BUILDS_RUNNING_MAX) {
    ports.log.info({ plan: name, running: open.length }, "plan waits for a free build");
    return;
  }
  await record(ports, plan, {
    stream: name,
    cause: `${cause}/start`,
    input: { kind: "start", build: planBuildId(name) },
    actor: ACTOR,
  });
}

/** Starts the build of a plan that is due to run. The build program runs at most once per id, so this may be repeated. */
export async function launchPlan(ports: ProvisionerPorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, plan, name);
  if (state.phase !== "planning" || state.request === undefined || state.build === undefined) return;
  const result = await planSpec(ports, state.request);
  if (result.kind === "spec") return ports.builds.start(state.build, result.spec);
  await failPlan(ports, name, state.build, {
    reason: "SCAN_REFUSED",
    message: result.message,
    nextStep: "Correct the stack's files and push again.",
  });
}

/** Stops the build of a plan that something newer has replaced. A build that has ended stays as it is. */
export async function stopPlan(ports: ProvisionerPorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, plan, name);
  if (state.build !== undefined) await ports.builds.cancel(state.build);
}

/** Problems that a failed plan keeps: as many as a check can annotate at once. */
const PROBLEMS_MAX = 50;

interface PlanFailure {
  readonly reason: string;
  readonly message: string;
  readonly nextStep: string;
  readonly problems?: readonly { path: string; line: number; column: number; message: string }[];
}

/** Records that a plan could not be made. */
export async function failPlan(
  ports: ProvisionerPorts,
  name: string,
  build: string,
  { reason, message, nextStep, problems = [] }: PlanFailure,
): Promise<void> {
  await record(ports, plan, {
    stream: name,
    cause: `build/${build}`,
    input: {
      kind: "fail",
      failure: {
        build,
        reason,
        message,
        nextStep,
        problems: problems.slice(0, PROBLEMS_MAX).map((each) => ({ ...each })),
      },
    },
    actor: ACTOR,
  });
}

/** Records what a plan's build reported. */
export async function settlePlan(
  ports: ProvisionerPorts,
  name: string,
  build: string,
  result: BuildResult,
): Promise<void> {
  if (result.state === "failed") return failPlan(ports, name, build, result);
  if (result.state !== "planned") {
    return failPlan(ports, name, build, {
      reason: "INTERNAL",
      message: `The build ${build} of a plan reported ${result.state}.`,
      nextStep: "Read the build's log and report this as a defect.",
    });
  }
  const { state } = await load(ports.ledger, plan, name);
  if (state.request === undefined) return;
  const { repeats, settings, closureDigest } = state.request;
  const reviewed = repeats === undefined ? undefined : (await load(ports.ledger, plan, repeats)).state;
  await record(ports, plan, {
    stream: name,
    cause: `build/${build}`,
    inputHash: result,
    input: {
      kind: "finish",
      finished: {
        build,
        digest: result.digest,
        planBlob: result.planBlob,
        canonicalBlob: result.canonicalBlob,
        inputs: {
          closureDigest,
          configDigest: settings.configDigest,
          terraformVersion: result.terraformVersion,
          stateSerial: result.stateSerial,
        },
        counts: result.counts,
        changes: result.changes.map(({ address, action, details }) => ({
          address,
          action,
          details: [...details],
        })),
        changesTruncated: result.changesTruncated,
        outputsChanged: [...result.outputsChanged],
        durationMs: result.durationMs,
      },
      ...(reviewed?.finished === undefined
        ? {}
        : { reviewed: { digest: reviewed.finished.digest, approved: isApproved(reviewed) } }),
    },
    actor: ACTOR,
  });
}

/** A plan's end or approval may be what its stack's next apply waits for. */
export async function advanceAfterPlan(ports: ProvisionerPorts, name: string): Promise<void> {
  const { state } = await load(ports.ledger, plan, name);
  if (state.request !== undefined) await advanceStack(ports, state.request.stack);
}
