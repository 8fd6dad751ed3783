import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildsContract } from "../contracts/builds.ts";
import { type StackFiles } from "../support/local-builds.ts";
import {
  hasTerraform,
  LOCAL_EXEC,
  PLAIN,
  planned,
  processesOf,
  resource,
  run,
  SLOW,
  useInstallations,
} from "../support/terraform-stacks.ts";
import { until } from "../support/until.ts";

const install = useInstallations();

describe.skipIf(!hasTerraform)("builds on this machine", { timeout: 120_000 }, () => {
  buildsContract("the local adapter", async () => {
    const at = install();
    return {
      builds: at.builds,
      restarted: at.restarted,
      quick: await at.planSpec(PLAIN),
      slow: () => planned(at, SLOW),
      kill: async (id) => {
        const { program, terraform } = processesOf(at, id);
        await until("Terraform's apply", () =>
          existsSync(join(at.root, "builds", id, "changing.json")) ? true : undefined,
        );
        process.kill(program.pid, "SIGKILL");
        process.kill(-terraform().pid, "SIGKILL");
      },
    };
  });

  test("a plan is applied as it was saved, and its outputs are recorded", async () => {
    const at = install();
    const main = `${resource("a", 'input = "x"')}output "o" {\n value = terraform_data.a.output\n}\noutput "hidden" {\n value = "quiet-value"\n sensitive = true\n}\n`;
    const apply = await planned(at, { "s/main.tf": main });
    expect(apply.stateSerial).toBe(-1);
    const result = await run(at, "apply-web-1", apply);
    expect(result).toMatchObject({
      state: "applied",
      counts: { create: 1 },
      outputs: [
        { name: "hidden", sensitive: true },
        { name: "o", sensitive: false, value: "x" },
      ],
    });
    expect(JSON.stringify(result)).not.toContain("quiet-value");
    expect(at.file("apply-web-1", "log")).toContain("terraform_data.a: Creation complete");
    const again = await run(at, "plan-web-2", await at.planSpec({ "s/main.tf": main }));
    expect(again).toMatchObject({
      state: "planned",
      counts: { create: 0, update: 0, replace: 0, delete: 0 },
    });
    expect(existsSync(join(at.root, "builds/apply-web-1/work"))).toBe(false);
  });

  test("the digest is the same for the same meaning and another for another", async () => {
    const at = install();
    const digest = async (id: string, files: StackFiles) => {
      const result = await run(at, id, await at.planSpec(files));
      return result.state === "planned" ? result.digest : JSON.stringify(result);
    };
    const first = await digest("p1", PLAIN);
    expect(first).toMatch(/^plan-sha256:k1:[0-9a-f]{64}$/);
    expect(await digest("p2", { ...PLAIN, "s/notes.txt": "not Terraform" })).toBe(first);
    expect(await digest("p3", { "s/main.tf": resource("a", 'input = "y"') })).not.toBe(first);
  });

  test("variable files are used, and modules of the closure", async () => {
    const at = install();
    const files = {
      "s/main.tf":
        'variable "x" {\n type = string\n}\nmodule "m" {\n source = "../modules/m"\n x = var.x\n}\n',
      "s/prod.tfvars": 'x = "from-file"\n',
      "modules/m/main.tf": `variable "x" {\n type = string\n}\n${resource("r", "input = var.x")}`,
    };
    const result = await run(at, "p1", await at.planSpec(files, { varFiles: ["prod.tfvars"] }));
    expect(result).toMatchObject({
      state: "planned",
      changes: [
        {
          address: "module.m.terraform_data.r",
          action: "create",
          details: expect.arrayContaining(['input: "from-file"']) as string[],
        },
      ],
    });
  });

  test.each<[string, StackFiles, string, string | undefined]>([
    [
      "does not parse",
      { "s/main.tf": 'resource "terraform_data" "a" {\n input = \n}\n' },
      "PARSE_FAILED",
      "s/main.tf",
    ],
    [
      "names an argument that is not there",
      { "s/main.tf": resource("a", "inputt = 1") },
      "PLAN_FAILED",
      "s/main.tf",
    ],
    ["uses what is not allowed", { "s/main.tf": 'data "http" "x" {\n}\n' }, "SCAN_REFUSED", "s/main.tf"],
    [
      "needs another Terraform",
      { "s/main.tf": 'terraform {\n required_version = ">= 99.0"\n}\n' },
      "TERRAFORM_VERSION",
      undefined,
    ],
    [
      "needs a variable that nobody sets",
      { "s/main.tf": 'variable "x" {\n type = string\n}\n' },
      "PLAN_FAILED",
      "s/main.tf",
    ],
  ])("Terraform that %s fails with its reason, its place and a next step", async (_, files, reason, path) => {
    const at = install();
    const result = await run(at, "p1", await at.planSpec(files));
    expect(result).toMatchObject({ state: "failed", reason });
    if (result.state !== "failed") return;
    expect(result.nextStep).not.toBe("");
    if (path !== undefined)
      expect(result.problems[0]).toMatchObject({ path, line: expect.any(Number) as number });
  });

  test("a stack that does not match the asked version, tree or closure is not planned", async () => {
    const at = install();
    const spec = await at.planSpec(PLAIN);
    expect(await run(at, "p1", { ...spec, terraformVersion: "0.1" })).toMatchObject({
      reason: "TERRAFORM_VERSION",
    });
    expect(await run(at, "p2", { ...spec, tree: "0".repeat(40) })).toMatchObject({ reason: "FETCH_FAILED" });
    expect(await run(at, "p3", { ...spec, closureDigest: "sha256:x" })).toMatchObject({
      reason: "FETCH_FAILED",
    });
    expect(
      await run(at, "p4", { ...spec, files: [{ path: "s/x.tf", mode: "100644", objectId: "0".repeat(40) }] }),
    ).toMatchObject({ reason: "FETCH_FAILED" });
  });

  test("a file outside of the closure is not there when the plan is made", async () => {
    const at = install();
    const files = {
      "s/main.tf": resource("a", 'input = file("../other/secret.txt")'),
      "other/secret.txt": "x",
    };
    expect(await run(at, "p1", await at.planSpec(files))).toMatchObject({
      state: "failed",
      reason: "PLAN_FAILED",
    });
  });

  test("a provider is not downloaded, even when it is allowed", async () => {
    const at = install();
    const files = { "s/main.tf": 'provider "null" {}\n', "s/.terraform.lock.hcl": "" };
    const allow = { ...LOCAL_EXEC, providers: ["hashicorp/null"] };
    expect(await run(at, "p1", await at.planSpec(files, { allow }))).toMatchObject({
      state: "failed",
      reason: "INIT_FAILED",
    });
  });
});
