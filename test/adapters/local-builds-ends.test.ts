import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DUPLICATE_EXIT_CODE } from "../../shared/adapters/local/builds-folder.ts";
import { isRunning } from "../../shared/adapters/local/process-identity.ts";
import { resultOf } from "../contracts/builds.ts";
import {
  command,
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

describe.skipIf(!hasTerraform)("how builds end", { timeout: 120_000 }, () => {
  test("an apply that fails half-way names what failed, and the next plan sees what was made", async () => {
    const at = install();
    const main = `${resource("good", 'input = "x"')}${resource("bad", `depends_on = [terraform_data.good]\n${command("echo boom >&2; exit 3")}`)}`;
    const result = await run(at, "apply-web-1", await planned(at, { "s/main.tf": main }));
    expect(result).toMatchObject({
      state: "failed",
      reason: "APPLY_FAILED",
      resources: ["terraform_data.bad"],
    });
    expect(result.state === "failed" && result.message).toContain("exit status 3");
    const next = await run(at, "plan-web-2", await at.planSpec({ "s/main.tf": main }, { allow: LOCAL_EXEC }));
    expect(next).toMatchObject({ state: "planned", counts: { create: 0, replace: 1 } });
  });

  test("a plan is stale once the state has moved on, and never applied twice", async () => {
    const at = install();
    const one = await planned(at, PLAIN, "plan-web-1");
    const other = await planned(at, { "s/main.tf": resource("b") }, "plan-web-2");
    expect(await run(at, "apply-web-1", one)).toMatchObject({ state: "applied" });
    expect(await run(at, "apply-web-2", other)).toMatchObject({ state: "failed", reason: "STALE_STATE" });
    expect(await run(at, "apply-web-3", one)).toMatchObject({ state: "failed", reason: "STALE_STATE" });
    // Terraform's own check holds even when the serial is not compared.
    const { stateSerial: _, ...unchecked } = other;
    expect(await run(at, "apply-web-4", unchecked)).toMatchObject({ state: "failed", reason: "STALE_STATE" });
  });

  test("a saved plan whose bytes were swapped is refused", async () => {
    const at = install();
    const apply = await planned(at, PLAIN);
    const [, hex = ""] = (apply.planBlob ?? "").split(":");
    writeFileSync(join(at.settings.blobs, "sha256", hex), "something else");
    expect(await run(at, "apply-web-1", apply)).toMatchObject({
      state: "failed",
      reason: "INTERNAL",
      message: expect.stringContaining("BLOB_CORRUPT") as string,
    });
  });

  test("an apply that reaches its time limit is stopped, with all its children", async () => {
    const at = install();
    const mark = join(at.root, "child.pid");
    const apply = await planned(at, {
      "s/main.tf": resource("slow", command(`sleep 300 & echo $! > ${mark}; wait`)),
    });
    const result = await run(at, "apply-web-1", { ...apply, timeLimitMs: 10_000 });
    expect(result).toMatchObject({
      state: "failed",
      reason: "TIMED_OUT",
      resources: ["terraform_data.slow"],
    });
    const child = Number(readFileSync(mark, "utf8"));
    await until("the end of the provisioner's child", () =>
      existsSync(`/proc/${child}/cmdline`) ? undefined : true,
    );
  });

  test("an apply that is killed inside a provisioner is interrupted and names the resource", async () => {
    const at = install();
    const apply = await planned(at, SLOW);
    await at.builds.start("apply-web-1", apply);
    await until("the provisioner", async () =>
      (await at.builds.logs("apply-web-1", 0)).text.includes("Provisioning") ? true : undefined,
    );
    const { program, terraform } = processesOf(at, "apply-web-1");
    const orphan = terraform();
    process.kill(program.pid, "SIGKILL");
    expect(await resultOf(at.restarted(), "apply-web-1")).toMatchObject({
      state: "failed",
      reason: "INTERRUPTED",
      resources: ["terraform_data.slow"],
    });
    expect(await isRunning(orphan)).toBe(false);
    expect(existsSync(join(at.root, "builds/apply-web-1/work"))).toBe(false);
    const next = await run(at, "plan-web-2", await at.planSpec(PLAIN));
    expect(next.state).toBe("planned");
  });

  test("Terraform that is killed while it applies makes the apply interrupted", async () => {
    const at = install();
    const apply = await planned(at, SLOW);
    await at.builds.start("apply-web-1", apply);
    await until("the provisioner", async () =>
      (await at.builds.logs("apply-web-1", 0)).text.includes("Provisioning") ? true : undefined,
    );
    process.kill(processesOf(at, "apply-web-1").terraform().pid, "SIGKILL");
    expect(await resultOf(at.builds, "apply-web-1")).toMatchObject({
      reason: "INTERRUPTED",
      resources: ["terraform_data.slow"],
    });
  });

  test("a state that somebody else locks is waited for only so long", async () => {
    const at = install();
    const apply = await planned(at, PLAIN, "plan-web-1");
    const slow = await planned(at, SLOW, "plan-web-2");
    await at.builds.start("apply-web-1", slow);
    await until("the provisioner", async () =>
      (await at.builds.logs("apply-web-1", 0)).text.includes("Provisioning") ? true : undefined,
    );
    const { stateSerial: _, ...unchecked } = apply;
    const result = await run(at, "apply-web-2", unchecked);
    expect(result).toMatchObject({ state: "failed", reason: "LOCK_TIMEOUT" });
    await at.builds.cancel("apply-web-1");
    await resultOf(at.builds, "apply-web-1");
  });

  test("a second program for the same build ends before Terraform starts", async () => {
    const at = install();
    const spec = await at.planSpec(PLAIN);
    await run(at, "p1", spec);
    const log = at.file("p1", "log");
    const [node, ...args] = at.program;
    const second = spawn(node, args, { stdio: ["pipe", "ignore", "ignore"] });
    second.stdin.end(JSON.stringify({ folder: join(at.root, "builds/p1"), spec, settings: at.settings }));
    const code = await new Promise((resolve) => second.once("exit", resolve));
    expect(code).toBe(DUPLICATE_EXIT_CODE);
    expect(at.file("p1", "log")).toBe(log);
  });

  test("a build whose starter died before it began is started by the next who asks", async () => {
    const at = install();
    const spec = await at.planSpec(PLAIN);
    const folder = join(at.root, "builds/p1");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "spec.json"), JSON.stringify(spec));
    expect(await at.builds.status("p1")).toStrictEqual({ state: "unknown" });
    expect(await run(at, "p1", { ...spec, stack: "stacks/other" })).toMatchObject({ state: "planned" });
    expect(existsSync(join(at.settings.states, "other"))).toBe(false);
  });

  test("without Terraform on the PATH the build says what to install", async () => {
    const made = install({ path: "/usr/bin:/bin" });
    const hidden =
      spawnSync("terraform", ["version"], { env: { PATH: "/usr/bin:/bin" } }).error === undefined;
    if (hidden) return expect(hidden).toBe(true);
    const result = await run(made, "p1", await made.planSpec(PLAIN));
    return expect(result).toMatchObject({ state: "failed", reason: "TERRAFORM_MISSING" });
  });
});
