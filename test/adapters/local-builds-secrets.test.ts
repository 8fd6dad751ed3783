import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { resultOf } from "../contracts/builds.ts";
import { KEY_CANARY, SECRET_CANARY } from "../support/local-builds.ts";
import {
  command,
  hasTerraform,
  LOCAL_EXEC,
  PLAIN,
  planned,
  processesOf,
  resource,
  run,
  useInstallations,
} from "../support/terraform-stacks.ts";
import { until } from "../support/until.ts";

const install = useInstallations();

/** Every file below a folder, as one text. */
const everything = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

describe.skipIf(!hasTerraform)("secrets of a build", { timeout: 120_000 }, () => {
  const VARIABLE = "canary-sensitive-variable-93de";

  test("reach neither log, result, environment nor process list", async () => {
    vi.stubEnv("TF_VAR_stolen", "canary-environment-20aa");
    const at = install();
    const steal = `env; echo ${SECRET_CANARY}; cat /proc/$PPID/environ /proc/$PPID/cmdline | tr '\\\\0' ' '; sleep 1`;
    const files = {
      "s/main.tf": [
        'variable "stolen" {\n default = "nothing"\n}',
        `variable "hidden" {\n default = "${VARIABLE}"\n sensitive = true\n}`,
        resource("a", "input = { hidden = var.hidden, stolen = var.stolen }"),
        resource("b", command(steal)),
        'output "copy" {\n value = nonsensitive(var.hidden)\n}',
        "",
      ].join("\n"),
    };
    const apply = await planned(at, files, "plan-web-1");
    await at.builds.start("apply-web-1", apply);
    const { program, terraform } = processesOf(at, "apply-web-1");
    const seen = await until("the running provisioner", () => {
      try {
        const { pid } = terraform();
        if (!at.file("apply-web-1", "log").includes("Provisioning")) return undefined;
        return [program.pid, pid]
          .map(
            (each) =>
              readFileSync(`/proc/${each}/cmdline`, "utf8") + readFileSync(`/proc/${each}/environ`, "utf8"),
          )
          .join("\n");
      } catch {
        return undefined;
      }
    });
    expect(seen).toContain("apply");
    const result = await resultOf(at.builds, "apply-web-1");
    expect(result).toMatchObject({ state: "applied", outputs: [{ name: "copy", value: "(redacted)" }] });
    const change = await run(
      at,
      "plan-web-2",
      await at.planSpec(
        { "s/main.tf": files["s/main.tf"].replace("stolen = var.stolen", "stolen = 2") },
        { allow: LOCAL_EXEC },
      ),
    );
    const canonical = Buffer.from(
      await at.blobs.get(change.state === "planned" ? change.canonicalBlob : ""),
    ).toString();
    const shown = [
      seen,
      JSON.stringify([result, change]),
      canonical,
      everything(join(at.root, "builds")),
    ].join("\n");
    for (const canary of [KEY_CANARY, SECRET_CANARY, VARIABLE, "canary-environment-20aa"])
      expect(shown).not.toContain(canary);
    expect(at.file("apply-web-1", "log")).toContain("TF_IN_AUTOMATION=1");
    expect(at.file("apply-web-1", "log")).toContain("(redacted)");
  });

  test("do not show when the plan fails", async () => {
    const at = install();
    const files = {
      "s/main.tf": `variable "hidden" {\n sensitive = true\n type = string\n}\nlocals {\n x = tonumber(nonsensitive(var.hidden))\n}\n${resource("a", "input = local.x")}`,
      "s/x.auto.tfvars": `hidden = "${VARIABLE}"\n`,
    };
    const result = await run(at, "p1", await at.planSpec(files));
    expect(result).toMatchObject({ state: "failed", reason: "PLAN_FAILED" });
    expect(JSON.stringify(result) + everything(join(at.root, "builds"))).not.toContain(VARIABLE);
  });

  test("lie only in files that their owner alone can read", async () => {
    const at = install();
    await run(at, "p1", await at.planSpec(PLAIN));
    const open = readdirSync(at.root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.parentPath.includes("/repos") && entry.name !== "repos")
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => (statSync(path).mode & 0o077) !== 0);
    expect(open).toStrictEqual([]);
  });
});
