// One build from its order to its result: fetch, scan, init, and then plan or apply. The same wherever it runs.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  BUILD_FILES,
  type BuildOrder,
  replaceJsonNow,
} from "../../../shared/adapters/local/builds-folder.ts";
import { processIdentity } from "../../../shared/adapters/local/process-identity.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import { requireName } from "../../../shared/domain/names.ts";
import { canonicalPlan, canonicalText, planDigest } from "../../../shared/domain/plan-digest.ts";
import { parsePlanJson, type PlanJson } from "../../../shared/domain/plan-json.ts";
import { readPlan } from "../../../shared/domain/plan-reading.ts";
import { replaceSecrets, sensitiveTexts } from "../../../shared/domain/plan-secrets.ts";
import { REDACTED, redactTexts } from "../../../shared/domain/redact.ts";
import { resolveInside } from "../../../shared/domain/terraform-files.ts";
import { sensitiveVariableTexts } from "../../../shared/domain/terraform-secrets.ts";
import type { Blobs } from "../../../shared/ports/blobs.ts";
import type { BuildResult } from "../../../shared/ports/builds.ts";
import type { CodeHost } from "../../../shared/ports/code-host.ts";
import { type BuildLog, createBuildLog } from "./build-log.ts";
import { BuildRefusal, failedResult } from "./build-refusal.ts";
import {
  prepareEnvironment,
  terraformApply,
  type TerraformContext,
  terraformInit,
  terraformJson,
  terraformPlan,
  terraformVersion,
} from "./terraform.ts";
import { backendOf, stateSerial } from "./state.ts";
import { fetchFiles, scanFiles, writeFiles } from "./working-copy.ts";

/** What a build is handed. */
export interface BuildPorts {
  readonly codeHost: Pick<CodeHost, "tree" | "blob">;
  readonly blobs: Blobs;
  /** Aborts when the build is to stop: a TimeoutError at its time limit, anything else for a cancellation. */
  readonly stop: AbortSignal;
  /** Milliseconds since any fixed moment. */
  readonly elapsedMs: () => number;
}

/** A build that is ready to run Terraform. */
interface Prepared {
  readonly order: BuildOrder;
  readonly ports: BuildPorts;
  readonly log: BuildLog;
  readonly context: TerraformContext;
  readonly planFile: string;
  readonly statePath: string;
  readonly version: string;
  readonly startedMs: number;
}

/** Writes down Terraform's process for whoever has to stop it if we die; a process that has ended already needs nobody. */
function recordProcess(path: string, pid: number, log: BuildLog): void {
  const record = async (): Promise<void> => {
    const identity = await processIdentity(pid);
    if (identity !== undefined) replaceJsonNow(path, identity);
  };
  record().catch((error: unknown) =>
    log.line(`Terraform's process could not be written down: ${String(error)}`),
  );
}

async function prepare(order: BuildOrder, ports: BuildPorts, log: BuildLog): Promise<Prepared> {
  const { spec, settings, folder } = order;
  const startedMs = ports.elapsedMs();
  const directory = resolveInside("", spec.directory) ?? "";
  const work = join(folder, BUILD_FILES.work);
  const { stack } = requireName("stack", spec.stack, "stack");
  const states = join(settings.states, stack);
  await mkdir(states, { recursive: true, mode: 0o700 });
  await mkdir(work, { recursive: true, mode: 0o700 });
  const statePath = join(states, "terraform.tfstate");
  const backend = backendOf(settings, stack, statePath);
  log.line(`Fetching ${spec.files.length} files of ${spec.repository}@${spec.tree}`);
  const files = await fetchFiles(ports.codeHost, spec);
  log.hide(sensitiveVariableTexts(directory, spec.varFiles, files));
  log.line("Scanning what the stack uses");
  const providers = scanFiles(spec, directory, files);
  const cwd = await writeFiles(join(work, "source"), directory, files, backend);
  const context: TerraformContext = {
    cwd,
    directory,
    env: await prepareEnvironment({
      work,
      path: settings.path,
      providerMirror: settings.providerMirror,
      providers,
      more: settings.environment,
    }),
    stop: ports.stop,
    graceMs: settings.graceMs,
    log,
    onStart: (pid) => recordProcess(join(folder, BUILD_FILES.terraform), pid, log),
    onChanging: (addresses) => replaceJsonNow(join(folder, BUILD_FILES.changing), addresses),
  };
  const version = await terraformVersion(context, spec.terraformVersion);
  log.line(`Terraform ${version}: init`);
  const hasLockFile = files.some(({ path }) => path === resolveInside(directory, ".terraform.lock.hcl"));
  await terraformInit(context, hasLockFile);
  return { order, ports, log, context, planFile: join(work, "plan"), statePath, version, startedMs };
}

/** The plan as Terraform shows it; its secrets are hidden from here on. */
async function showPlan({ context, planFile, log }: Prepared): Promise<PlanJson> {
  const plan = parsePlanJson(await terraformJson(context, ["show", "-json", planFile]));
  if (plan === undefined)
    throw new BuildRefusal("INTERNAL", "Terraform shows the plan in a format that is not known.");
  log.hide(sensitiveTexts(plan));
  return plan;
}

async function makePlan(prepared: Prepared): Promise<BuildResult> {
  const { order, ports, log, context, planFile, statePath, version, startedMs } = prepared;
  const serial = await stateSerial(order.settings, context, statePath);
  log.line("terraform plan");
  await terraformPlan(context, planFile, order.spec.varFiles);
  const plan = await showPlan(prepared);
  const canonical = canonicalPlan(plan, order.settings.planKey);
  const { counts, changes: found, changesTruncated, outputsChanged } = readPlan(plan);
  const changes = found.map((change) => ({ ...change, details: change.details.map(log.redact) }));
  return {
    state: "planned",
    digest: planDigest(canonical, order.settings.planKey.id),
    planBlob: await ports.blobs.put(await readFile(planFile)),
    canonicalBlob: await ports.blobs.put(Buffer.from(canonicalText(canonical))),
    stateSerial: serial,
    terraformVersion: version,
    counts,
    changes,
    changesTruncated,
    outputsChanged,
    durationMs: Math.round(ports.elapsedMs() - startedMs),
  };
}

/** Outputs after an apply: no value of a sensitive one, and no secret or token inside the others. */
async function readOutputs({ context, log }: Prepared, secrets: readonly string[]) {
  const outputs = JSON.parse(await terraformJson(context, ["output", "-json"])) as Readonly<
    Record<string, { readonly sensitive: boolean; readonly value: unknown }>
  >;
  return Object.entries(outputs).map(([name, { sensitive, value }]) =>
    sensitive
      ? { name, sensitive }
      : {
          name,
          sensitive,
          value: redactTexts(
            replaceSecrets(value, secrets, () => REDACTED),
            log.redact,
          ),
        },
  );
}

async function applyPlan(prepared: Prepared): Promise<BuildResult> {
  const { order, ports, log, context, planFile, statePath, startedMs } = prepared;
  const { spec } = order;
  if (spec.planBlob === undefined) throw new BuildRefusal("INTERNAL", "An apply names no saved plan.");
  const serial = await stateSerial(order.settings, context, statePath);
  if (spec.stateSerial !== undefined && serial !== spec.stateSerial) {
    throw new BuildRefusal(
      "STALE_STATE",
      `The state's serial is ${serial}; the plan was made from ${spec.stateSerial}.`,
    );
  }
  await writeFile(planFile, await ports.blobs.get(spec.planBlob), { flag: "wx", mode: 0o600 });
  const plan = await showPlan(prepared);
  log.line("terraform apply");
  await terraformApply(context, planFile, spec.lockTimeoutSeconds);
  return {
    state: "applied",
    outputs: await readOutputs(prepared, sensitiveTexts(plan)),
    stateSerial: await stateSerial(order.settings, context, statePath),
    counts: readPlan(plan).counts,
    durationMs: Math.round(ports.elapsedMs() - startedMs),
  };
}

/** Errors of the build itself become results too: what happened must reach a person. */
function refusalOf(error: unknown): BuildRefusal {
  if (error instanceof BuildRefusal) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BuildRefusal(
    "INTERNAL",
    error instanceof ControlPlaneError ? `${error.reason}: ${message}` : message,
  );
}

/** Runs a build. It always answers a result; the working copy is gone afterwards. */
export async function runBuild(order: BuildOrder, ports: BuildPorts): Promise<BuildResult> {
  const log = createBuildLog(join(order.folder, BUILD_FILES.log), [
    ...order.settings.secrets,
    ...Object.values(order.settings.environment ?? {}),
    order.settings.planKey.secret,
  ]);
  try {
    const prepared = await prepare(order, ports, log);
    const result = await (order.spec.kind === "plan" ? makePlan(prepared) : applyPlan(prepared));
    log.line(`Done: ${result.state}`);
    return result;
  } catch (error) {
    const refusal = refusalOf(error);
    log.line(`Failed: ${refusal.reason}\n${refusal.message}`);
    return failedResult(refusal, log.redact);
  } finally {
    log.close();
    // It holds the plan, and with it secrets.
    await rm(join(order.folder, BUILD_FILES.work), { recursive: true, force: true });
  }
}
