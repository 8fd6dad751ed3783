// What a build is told: everything it needs, nothing that is secret.
import { closureOf } from "../../shared/domain/closure.ts";
import { formatProblem } from "../../shared/domain/source-problem.ts";
import type { FactData } from "../../shared/domain/facts.ts";
import { lastId } from "../../shared/domain/names.ts";
import type { BuildSpec } from "../../shared/ports/builds.ts";
import { LOCK_TIMEOUT_SECONDS, type ProvisionerPorts } from "./ports.ts";

/** The build of a plan: derived, so that a retry names the same one. */
export function planBuildId(plan: string): string {
  const [, stack = ""] = plan.split("/");
  return `plan-${stack}-${lastId(plan)}`;
}

/** The build of an apply. */
export function applyBuildId(apply: string): string {
  const [, stack = ""] = apply.split("/");
  return `apply-${stack}-${lastId(apply)}`;
}

type PlanRequest = FactData<"plan.requested">;

/** A specification, or why the files are no longer what was asked for. */
export type SpecResult =
  | { readonly kind: "spec"; readonly spec: BuildSpec }
  | { readonly kind: "refused"; readonly message: string };

/** The specification of a plan's build, made again from Git: the same tree gives the same files. */
export async function planSpec(
  { codeHost, limits }: ProvisionerPorts,
  request: PlanRequest,
): Promise<SpecResult> {
  const { repository, settings } = request;
  const tree = await codeHost.tree(repository, request.tree);
  const closure = await closureOf(settings, tree, ({ objectId }) => codeHost.blob(repository, objectId));
  if (closure.kind === "refused")
    return { kind: "refused", message: closure.problems.map(formatProblem).join("\n") };
  if (closure.closureDigest !== request.closureDigest) {
    return {
      kind: "refused",
      message: `The files of tree ${request.tree} are not those that were asked for.`,
    };
  }
  return {
    kind: "spec",
    spec: {
      kind: "plan",
      stack: request.stack,
      repository,
      tree: request.tree,
      directory: settings.directory,
      varFiles: settings.varFiles,
      files: closure.files,
      allow: settings.allow,
      ...(settings.terraformVersion === undefined ? {} : { terraformVersion: settings.terraformVersion }),
      timeLimitMs: limits.planTimeLimitMs,
      lockTimeoutSeconds: LOCK_TIMEOUT_SECONDS,
      closureDigest: request.closureDigest,
      configDigest: settings.configDigest,
    },
  };
}

/** The specification of an apply's build: the plan's own, with the saved bytes and what they were made from. */
export async function applySpec(
  ports: ProvisionerPorts,
  request: PlanRequest,
  finished: FactData<"plan.finished">,
): Promise<SpecResult> {
  const result = await planSpec(ports, request);
  if (result.kind === "refused") return result;
  return {
    kind: "spec",
    spec: {
      ...result.spec,
      kind: "apply",
      timeLimitMs: ports.limits.applyTimeLimitMs,
      terraformVersion: finished.inputs.terraformVersion,
      planBlob: finished.planBlob,
      stateSerial: finished.inputs.stateSerial,
    },
  };
}

/**
 * Starts the build of an apply whose start was recorded a moment ago, without waiting to be told so. What goes wrong here is left to
 * whoever is told.
 */
export async function launchAtOnce(
  { builds, log }: ProvisionerPorts,
  build: string,
  specification: Promise<SpecResult>,
): Promise<void> {
  try {
    const result = await specification;
    if (result.kind === "spec") await builds.start(build, result.spec);
  } catch (error) {
    log.info({ build, error }, "build not started at once, left to the fact of its start");
  }
}
