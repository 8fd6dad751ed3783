// The Terraform commands of a build: each with its arguments, its environment, and what its failures mean.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildFailureReason } from "../../../shared/ports/builds.ts";
import type { BuildLog } from "./build-log.ts";
import { type BuildProblem, BuildRefusal } from "./build-refusal.ts";
import { createTerraformLog, type Diagnostic, headline, type TerraformLog } from "./terraform-log.ts";
import { runTerraform, type TerraformEnd } from "./terraform-process.ts";

/** The oldest Terraform that is supported: its `init` speaks JSON. */
const VERSION_MIN = [1, 9] as const;

/** What every command of one build needs. */
export interface TerraformContext {
  /** Root module in the working copy. */
  readonly cwd: string;
  /** The root module's directory in the repository. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stop: AbortSignal;
  readonly graceMs: number;
  readonly log: BuildLog;
  /** Told about every process that starts, for whoever has to clean up after us. */
  readonly onStart: (pid: number) => void;
  readonly onChanging: (addresses: readonly string[]) => void;
}

/** A text as a literal of Terraform's language. */
const literal = (text: string): string =>
  JSON.stringify(text).replaceAll("${", "$${").replaceAll("%{", "%%{");

/** Where providers may come from. Naming any installation method turns the others off. */
function installationMethods(
  mirror: string | undefined,
  empty: string,
  providers: readonly string[],
): string {
  const folder = mirror ?? (providers.length === 0 ? empty : undefined);
  if (folder !== undefined) return `filesystem_mirror {\n    path = ${literal(folder)}\n  }`;
  return `direct {\n    include = [${providers.map(literal).join(", ")}]\n  }`;
}

/** What Terraform's environment is made from. */
export interface EnvironmentSource {
  /** Folder of the build, for everything that Terraform writes outside of its working copy. */
  readonly work: string;
  readonly path: string;
  readonly providerMirror?: string | undefined;
  /** Sources of the providers that may be installed. */
  readonly providers: readonly string[];
  /** Variables that are handed through. */
  readonly more?: Readonly<Record<string, string>> | undefined;
}

/** Writes Terraform's own configuration and answers the scrubbed environment. */
export async function prepareEnvironment({
  work,
  path,
  providerMirror,
  providers,
  more,
}: EnvironmentSource): Promise<Readonly<Record<string, string>>> {
  const home = join(work, "home");
  const nothing = join(work, "no-providers");
  const temporary = join(work, "tmp");
  for (const folder of [home, nothing, temporary]) await mkdir(folder, { recursive: true, mode: 0o700 });
  const config = join(work, "terraform.rc");
  const methods = installationMethods(providerMirror, nothing, providers);
  await writeFile(config, `provider_installation {\n  ${methods}\n}\n`, { mode: 0o600 });
  return {
    ...more,
    PATH: path,
    HOME: home,
    TMPDIR: temporary,
    LC_ALL: "C.UTF-8",
    TF_IN_AUTOMATION: "1",
    TF_INPUT: "0",
    TF_CLI_CONFIG_FILE: config,
    CHECKPOINT_DISABLE: "1",
  };
}

/** Runs a command; standard output goes to `onLine`, which may answer text for the log. */
async function run(
  context: TerraformContext,
  args: readonly string[],
  onLine: (line: string) => string | undefined,
): Promise<TerraformEnd> {
  const { cwd, env, stop, graceMs, log, onStart } = context;
  try {
    return await runTerraform({
      args,
      cwd,
      env,
      stop,
      graceMs,
      onStart,
      onLine(line, stream) {
        const text = stream === "stdout" ? onLine(line) : line;
        if (text !== undefined && text !== "") log.line(text);
      },
    });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new BuildRefusal(
      "TERRAFORM_MISSING",
      "There is no program named terraform on the PATH of Signalbox.",
    );
  }
}

/** Why a command was stopped, as the build's signal says. */
function stopReason({ stop }: TerraformContext): BuildFailureReason {
  const reason: unknown = stop.reason;
  return reason instanceof Error && reason.name === "TimeoutError" ? "TIMED_OUT" : "CANCELLED";
}

/** The errors of a run as one message. */
const messageOf = (errors: readonly Diagnostic[]): string =>
  errors
    .map((error) => (error.detail === "" ? headline(error) : `${headline(error)}\n${error.detail}`))
    .join("\n\n");

const problemsOf = (errors: readonly Diagnostic[]): readonly BuildProblem[] =>
  errors.flatMap(({ place, summary, detail }) =>
    place === undefined ? [] : [{ ...place, message: detail === "" ? summary : `${summary}: ${detail}` }],
  );

/** Throws when a run did not end well. `reasonOf` names the reason for Terraform's own errors. */
function requireSuccess(
  context: TerraformContext,
  end: TerraformEnd,
  log: Pick<TerraformLog, "errors">,
  reasonOf: (text: string, problems: readonly BuildProblem[]) => BuildFailureReason,
  good: readonly number[] = [0],
): void {
  // It may have been asked to stop when it had just done its work.
  if (end.how !== "killed" && good.includes(end.code)) return;
  const message = messageOf(log.errors);
  const problems = problemsOf(log.errors);
  if (end.how !== "exited" && context.stop.aborted) {
    throw new BuildRefusal(stopReason(context), message === "" ? "Terraform was stopped." : message, {
      problems,
    });
  }
  const shown = message === "" ? `Terraform ended with code ${end.code} and named no error.` : message;
  throw new BuildRefusal(reasonOf(message, problems), shown, { problems });
}

/** The version of the Terraform on the PATH; refuses one that is too old or not the one that is asked for. */
export async function terraformVersion(
  context: TerraformContext,
  wanted: string | undefined,
): Promise<string> {
  let output = "";
  const end = await run(context, ["version", "-json"], (line) => {
    output += line;
    return undefined;
  });
  requireSuccess(context, end, { errors: [] }, () => "TERRAFORM_MISSING");
  const { terraform_version: version } = JSON.parse(output) as { terraform_version: string };
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < VERSION_MIN[0] || (major === VERSION_MIN[0] && minor < VERSION_MIN[1])) {
    throw new BuildRefusal(
      "TERRAFORM_VERSION",
      `Terraform is ${version}; ${VERSION_MIN.join(".")} or newer is needed.`,
    );
  }
  if (wanted !== undefined && version !== wanted && !version.startsWith(`${wanted}.`)) {
    throw new BuildRefusal("TERRAFORM_VERSION", `Terraform is ${version}; this build asks for ${wanted}.`);
  }
  return version;
}

/** `terraform init`; the lock file, when there is one, is law. */
export async function terraformInit(context: TerraformContext, hasLockFile: boolean): Promise<void> {
  const log = createTerraformLog(context.directory, () => undefined);
  const lock = hasLockFile ? ["-lockfile=readonly"] : [];
  const end = await run(context, ["init", "-json", "-input=false", ...lock], log.read);
  requireSuccess(context, end, log, (text, problems) => {
    if (/Unsupported Terraform Core version/.test(text)) return "TERRAFORM_VERSION";
    return problems.length > 0 ? "PARSE_FAILED" : "INIT_FAILED";
  });
}

/** `terraform plan` into a file. It reads the state and never locks it. */
export async function terraformPlan(
  context: TerraformContext,
  planFile: string,
  varFiles: readonly string[],
): Promise<void> {
  const log = createTerraformLog(context.directory, () => undefined);
  const variables = varFiles.map((file) => `-var-file=./${file}`);
  const args = ["plan", "-json", "-lock=false", "-input=false", "-detailed-exitcode", `-out=${planFile}`];
  const end = await run(context, [...args, ...variables], log.read);
  requireSuccess(context, end, log, () => "PLAN_FAILED", [0, 2]);
}

/** `terraform show -json` of a plan, or `terraform output -json`: one document, kept in memory because it holds secrets. */
export async function terraformJson(context: TerraformContext, args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const end = await run(context, args, (line) => {
    lines.push(line);
    return undefined;
  });
  requireSuccess(context, end, { errors: [] }, () => "INTERNAL");
  return lines.join("\n");
}

/** `terraform apply` of a saved plan. A kill, by whomever, leaves a state that somebody has to look at. */
export async function terraformApply(
  context: TerraformContext,
  planFile: string,
  lockTimeoutSeconds: number,
): Promise<void> {
  const log = createTerraformLog(context.directory, context.onChanging);
  const args = ["apply", "-json", "-input=false", `-lock-timeout=${lockTimeoutSeconds}s`, planFile];
  const end = await run(context, args, log.read);
  if (end.how === "killed") {
    const why = context.stop.aborted ? ` after it was asked to stop (${stopReason(context)})` : "";
    throw new BuildRefusal("INTERRUPTED", `Terraform was killed while it applied${why}.`, {
      resources: [...log.changing],
    });
  }
  try {
    requireSuccess(context, end, log, (text) => {
      if (/Saved plan is stale/.test(text)) return "STALE_STATE";
      return /Error acquiring the state lock/.test(text) ? "LOCK_TIMEOUT" : "APPLY_FAILED";
    });
  } catch (error) {
    if (!(error instanceof BuildRefusal)) throw error;
    const resources = [...new Set([...log.failed, ...log.changing])];
    throw new BuildRefusal(error.reason, error.message, { resources, problems: error.problems });
  }
}
