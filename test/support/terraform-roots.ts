// The project's own Terraform, copied to a folder that is thrown away, so that no test leaves a lock file or a provider behind.
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { TERRAFORM_MISSING } from "./terraform-found.ts";
import { ROOT } from "./source-files.ts";

/** How long one call of Terraform may take: plans of everything on a busy machine with two processors. */
export const TERRAFORM_CALL_MAX_MS = 300_000;
/** Bytes of one answer: a plan comes with the schema of the whole provider. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

const start = promisify(execFile);

/** What a call of Terraform came to. */
export interface TerraformAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls Terraform in a folder. The provider comes from the mirror that TF_CLI_CONFIG_FILE names, or from the registry. */
export async function terraform(folder: string, ...words: readonly string[]): Promise<TerraformAnswer> {
  const config = process.env["TF_CLI_CONFIG_FILE"];
  const env = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    CHECKPOINT_DISABLE: "1",
    TF_IN_AUTOMATION: "1",
    ...(config !== undefined && existsSync(config) ? { TF_CLI_CONFIG_FILE: config } : {}),
  };
  try {
    const done = await start("terraform", words, {
      cwd: folder,
      env,
      maxBuffer: ANSWER_BYTES_MAX,
      timeout: TERRAFORM_CALL_MAX_MS,
    });
    return { code: 0, ...done };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== "number") throw error;
    return { code, stdout, stderr };
  }
}

/** The Terraform folder in a place of its own, with the workflows that it ships; `remove` takes it away. */
export function copyOfTerraform(): { readonly folder: string; remove(): void } {
  const top = mkdtempSync(join(tmpdir(), "signalbox-terraform-"));
  cpSync(join(ROOT, "terraform"), join(top, "terraform"), {
    recursive: true,
    filter: (path) => !path.includes(".terraform"),
  });
  cpSync(join(ROOT, "workflows"), join(top, "workflows"), {
    recursive: true,
    filter: (path) => !path.includes("engine"),
  });
  return {
    folder: join(top, "terraform"),
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** Why the Google provider cannot be had here, or an empty text. */
async function whyNoProvider(): Promise<string> {
  if (TERRAFORM_MISSING) return "terraform is not on PATH";
  const { folder, remove } = copyOfTerraform();
  try {
    const { code } = await terraform(join(folder, "modules/service"), "init", "-backend=false");
    return code === 0
      ? ""
      : "the Google provider cannot be installed: set TF_CLI_CONFIG_FILE to a mirror, or let the registry be reached";
  } finally {
    remove();
  }
}

/** Why tests of the roots do not run here; empty when they do. */
export const PROVIDER_MISSING = await whyNoProvider();
/** Goes before the title of every group that needs the provider. */
export const PROVIDER_NOTE = PROVIDER_MISSING === "" ? "" : `[skipped: ${PROVIDER_MISSING}] `;

/** Every root and module, relative to the folder of Terraform. */
export const TERRAFORM_ROOTS: readonly string[] = [
  ...readdirSync(join(ROOT, "terraform/modules")).map((name) => `modules/${name}`),
  "control-plane",
  "platform",
].filter((root) => existsSync(join(ROOT, "terraform", root, "versions.tf")));

/** The tests of a root whose plans test/terraform/plan.test.ts reads: it runs them, and test/terraform/roots.test.ts all others. */
export const PLANNED_TESTS = { root: "control-plane", file: "tests/options.tftest.hcl", runsMin: 4 } as const;

/** One `run` of a Terraform test. */
export interface TestRun {
  readonly name: string;
  readonly status: string;
}

/** One resource that a mocked plan would create, with the values that are known before. */
export interface PlannedResource {
  readonly address: string;
  readonly type: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What `terraform test` said: runs, what went wrong in words, and the plan of each run that made one. */
export interface TestReport {
  readonly runs: readonly TestRun[];
  readonly problems: readonly string[];
  readonly plans: Readonly<Record<string, readonly PlannedResource[]>>;
}

interface TestLine {
  readonly type: string;
  readonly "@message": string;
  readonly "@testrun"?: string;
  readonly test_run?: { readonly run: string; readonly status?: string; readonly progress?: string };
  readonly diagnostic?: { readonly summary: string; readonly detail: string; readonly severity: string };
  readonly test_plan?: {
    readonly resource_changes?: readonly {
      readonly address: string;
      readonly mode: string;
      readonly type: string;
      readonly change: { readonly after: Readonly<Record<string, unknown>> | null };
    }[];
  };
}

/** Reads the lines of `terraform test -json -verbose`. */
export function readTestReport(text: string): TestReport {
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as TestLine);
  const plans: Record<string, readonly PlannedResource[]> = {};
  for (const { test_plan: plan, "@testrun": run = "" } of lines) {
    if (plan === undefined) continue;
    plans[run] = (plan.resource_changes ?? [])
      .filter(({ mode }) => mode === "managed")
      .map(({ address, type, change }) => ({ address, type, values: change.after ?? {} }));
  }
  return {
    runs: lines.flatMap(({ test_run: run }) =>
      run?.status === undefined || run.progress !== "complete" ? [] : [{ name: run.run, status: run.status }],
    ),
    problems: lines.flatMap(({ diagnostic }) =>
      diagnostic === undefined || diagnostic.severity !== "error"
        ? []
        : [`${diagnostic.summary}: ${diagnostic.detail}`],
    ),
    plans,
  };
}
