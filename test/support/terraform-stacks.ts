// Small stacks for tests of builds, installations that clean up after themselves, and a word aloud when Terraform is missing.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import type { BuildFence, BuildSettings } from "../../shared/adapters/local/builds-folder.ts";
import type { ProcessIdentity } from "../../shared/adapters/local/process-identity.ts";
import type { BuildResult, BuildSpec } from "../../shared/ports/builds.ts";
import { resultOf } from "../contracts/builds.ts";
import { createInstallation, type LocalInstallation, type StackFiles } from "./local-builds.ts";

/** Whether builds can run here. */
export const hasTerraform = spawnSync("terraform", ["version"]).status === 0;
if (!hasTerraform) process.stderr.write("SKIPPED: terraform is not on PATH, so no build was run.\n");

/** A policy that lets stacks run commands. */
export const LOCAL_EXEC = { providers: [], provisioners: ["local-exec"], dataSources: [], modules: [] };

/** A `terraform_data` resource. */
export const resource = (name: string, body = ""): string =>
  `resource "terraform_data" "${name}" {\n${body}\n}\n`;

/** A provisioner that runs a shell command. */
export const command = (text: string): string =>
  `provisioner "local-exec" {\n command = ${JSON.stringify(text)}\n}`;

/** One resource and nothing else. */
export const PLAIN: StackFiles = { "s/main.tf": resource("a", 'input = "x"') };

/** A stack whose apply does not end by itself within a test. */
export const SLOW: StackFiles = { "s/main.tf": resource("slow", command("sleep 300")) };

/** Makes installations; their builds are stopped after each test, their folders removed at the end. */
export function useInstallations(): (more?: Partial<BuildSettings>) => LocalInstallation {
  const made: LocalInstallation[] = [];
  afterEach(async () => {
    for (const { root, restarted } of made) {
      const builds = restarted();
      const folder = join(root, "builds");
      for (const id of existsSync(folder) ? readdirSync(folder) : []) {
        if ((await builds.status(id)).state !== "running") continue;
        await builds.cancel(id);
        await resultOf(builds, id);
      }
    }
  });
  afterAll(() => {
    for (const { root } of made) rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  return (more) => {
    const installation = createInstallation(more);
    made.push(installation);
    return installation;
  };
}

/** Runs a build to its end. */
export async function run(at: LocalInstallation, id: string, spec: BuildSpec): Promise<BuildResult> {
  await at.builds.start(id, spec);
  return resultOf(at.builds, id);
}

/** Plans, with commands allowed, and answers the specification that applies the saved plan. */
export async function planned(
  at: LocalInstallation,
  files: StackFiles,
  id = "plan-web-0",
): Promise<BuildSpec> {
  const spec = await at.planSpec(files, { allow: LOCAL_EXEC });
  const result = await run(at, id, spec);
  if (result.state !== "planned") throw new Error(JSON.stringify(result));
  const { planBlob, stateSerial, terraformVersion } = result;
  return { ...spec, kind: "apply", planBlob, stateSerial, terraformVersion };
}

/** The processes of a build that runs. */
export function processesOf(at: LocalInstallation, id: string) {
  const fence = JSON.parse(at.file(id, "fence")) as BuildFence;
  const terraform = () => JSON.parse(at.file(id, "terraform")) as ProcessIdentity;
  return { program: fence.process, terraform };
}
