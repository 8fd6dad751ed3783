// Terraform that does not parse, takes too long, or fails half-way; and secrets, which must be nowhere that people or files show.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { callCli } from "../cli/call-cli.ts";
import type { Answer } from "../support/caller.ts";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  REPOSITORY,
} from "../support/demo-platform.ts";
import {
  ALLOW_LOCAL_EXEC,
  appliesUntil,
  createGate,
  plainTerraform,
  STACK,
  UNATTENDED_STACK,
} from "../support/gated-stack.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { buildProcesses } from "../support/leftovers.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";

const SITE = "stacks/site/main.tf";
const SETUP_MS = 60_000;
const TIMEOUT_MS = 90_000;
/** Long enough for Terraform to begin, short enough for a test. */
const APPLY_LIMIT_MS = 8_000;
/** A token in the environment of whoever starts the control plane; no child may see it. */
const CANARY = "canary-token-5f2c9a71d0e84b36";
/** A value that the plan marks as sensitive. */
const SENSITIVE = "sensitive-value-91b7e2d4c6a8f035";

let installation: TestInstallation;
let platform: DemoPlatform;

beforeAll(async () => {
  process.env["SIGNALBOX_TEST_CANARY"] = CANARY;
  process.env["TF_VAR_canary"] = CANARY;
  installation = await startTestInstallation({
    buildLimits: { planTimeLimitMs: 60_000, applyTimeLimitMs: APPLY_LIMIT_MS },
  });
  const { state, api, url, keys } = installation;
  platform = await createDemoPlatform(
    { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
    configurationText({ stacks: UNATTENDED_STACK, allow: ALLOW_LOCAL_EXEC }),
    { [SITE]: plainTerraform("first") },
  );
}, SETUP_MS);

afterAll(async () => {
  delete process.env["SIGNALBOX_TEST_CANARY"];
  delete process.env["TF_VAR_canary"];
  await installation?.close();
});

/** Waits for the end of the newest apply. */
async function lastApply(mergeCommit: string): Promise<Answer> {
  const find = (applies: readonly Answer[]): Answer | undefined =>
    applies.find(
      (apply) =>
        apply["mergeCommit"] === mergeCommit && !["WAITING", "RUNNING"].includes(String(apply["state"])),
    );
  const applies = await appliesUntil(
    "the apply has ended",
    () => installation.api,
    (all) => find(all) !== undefined,
  );
  return find(applies) ?? {};
}

/** The checks of a commit. */
const checksOf = (commit: string): Promise<readonly Answer[]> =>
  installation.api.list(`/v1/repositories/${REPOSITORY.fullName}/checks?commit=${commit}`);

/** Expects a red check that says what to do next. */
async function expectRedCheck(commit: string, name: RegExp): Promise<Answer> {
  const check = await until("the check is red", async () =>
    (await checksOf(commit)).find(
      (each) => name.test(String(each["name"])) && each["conclusion"] === "failure",
    ),
  );
  expect(String(check["summary"])).toMatch(/What to do|Correct/);
  return check;
}

/** The next merge is applied: the stack is free. */
async function expectFree(value: string): Promise<void> {
  const commit = await platform.push({ [SITE]: plainTerraform(value) }, `Set ${value}`);
  expect(await lastApply(commit)).toMatchObject({ state: "FINISHED" });
}

describe.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}Terraform that goes wrong`, () => {
  test(
    "a file that does not parse is a red check at its line, and the stack is free for the next merge",
    async () => {
      const opened = await platform.openPullRequest(1, {
        [SITE]: 'resource "terraform_data" "a" {\n  input = \n}\n',
      });
      const check = await expectRedCheck(opened.headSha, /^signalbox\//);
      expect(JSON.stringify(check)).toContain("main.tf");
      expect(check["annotations"]).toMatchObject([
        { path: expect.stringContaining("main.tf"), line: expect.any(Number) },
      ]);
      await expectFree("after the parse error");
      // Of a stack it is the log of its last apply.
      const env = { SIGNALBOX_URL: installation.url, SIGNALBOX_TOKEN: installation.tokens.get("admin") };
      const { out } = await callCli(["logs", STACK], { env });
      expect(out).toMatch(/Apply complete! Resources: \d+ added/);
    },
    TIMEOUT_MS,
  );

  test(
    "an apply at its time limit is a typed failure with a next step, and blocks nobody",
    async () => {
      mkdirSync(join(installation.state.root, "gate"), { recursive: true });
      const gate = createGate(join(installation.state.root, "gate"), "endless");
      const commit = await platform.push({ [SITE]: gate.terraform }, "Add something endless");
      const apply = await lastApply(commit);
      expect(apply).toMatchObject({
        state: "FAILED",
        failure: { reason: "TIMED_OUT", nextStep: expect.stringMatching(/\w/) },
      });
      expect(gate.passed()).toEqual({ begun: 1, done: 0 });
      await expectRedCheck(commit, /apply/);
      await expectFree("after the time limit");
    },
    TIMEOUT_MS,
  );

  test(
    "an apply that fails half-way keeps what it made, says which resource failed, and blocks nobody",
    async () => {
      const failing = `${plainTerraform("half-way")}
resource "terraform_data" "broken" {
  depends_on = [terraform_data.plain]
  provisioner "local-exec" {
    command = "exit 3"
  }
}
`;
      const commit = await platform.push({ [SITE]: failing }, "Add something broken");
      const apply = await lastApply(commit);
      expect(apply).toMatchObject({ state: "FAILED", failure: { reason: "APPLY_FAILED" } });
      expect(JSON.stringify(apply["failure"])).toContain("terraform_data.broken");
      await expectRedCheck(commit, /apply/);
      await expectFree("after the failure");
    },
    TIMEOUT_MS,
  );
});

/** Every file under a folder. */
function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path) && statSync(path).isFile());
}

describe.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}secrets`, () => {
  test(
    "are in no check, log, fact, database or process, whatever Terraform prints",
    async () => {
      const { state, keys } = installation;
      mkdirSync(join(state.root, "gate"), { recursive: true });
      // The provisioner prints its environment and the sensitive value, which the shell puts together.
      const print = `env; echo "${SENSITIVE.slice(0, 10)}""${SENSITIVE.slice(10)}"`;
      const gate = createGate(join(state.root, "gate"), "seen", print);
      const commit = await platform.push(
        {
          [SITE]: `locals {
  secret = sensitive(join("-", ["sensitive", "value", "91b7e2d4c6a8f035"]))
}
resource "terraform_data" "secret" {
  input = local.secret
}
output "secret" {
  value     = terraform_data.secret.output
  sensitive = true
}
${gate.terraform}`,
        },
        "Add a secret",
      );
      onTestFinished(() => gate.open());
      await appliesUntil(
        "the provisioner has begun",
        () => installation.api,
        () => gate.passed().begun > 0,
      );
      const builds = readdirSync(state.path("builds")).filter((name) => name.startsWith("apply-"));
      const secrets = [CANARY, SENSITIVE, keys.webhookSecret, keys.planKey.secret, keys.pageKey];
      let looked = 0;
      let build = "";
      for (const id of builds) {
        for (const { pid } of await buildProcesses(state.root, id)) {
          for (const file of ["cmdline", "environ"]) {
            const path = `/proc/${pid}/${file}`;
            if (!existsSync(path)) continue;
            const text = readFileSync(path, "latin1");
            if (text !== "") build = id;
            looked += text === "" ? 0 : 1;
            for (const secret of secrets) expect(text.includes(secret), `${id} ${file}`).toBe(false);
          }
        }
      }
      expect(looked).toBeGreaterThanOrEqual(3);
      gate.open();
      expect(await lastApply(commit)).toMatchObject({ state: "FINISHED" });

      const mayHold = /\/(terraform|secrets|blobs)\//;
      const holders = filesOf(state.root).filter(
        (path) =>
          !mayHold.test(path.slice(state.root.length)) &&
          !path.includes("/token") &&
          secrets.some((secret) => readFileSync(path, "latin1").includes(secret)),
      );
      expect(holders).toEqual([]);
      const { text } = await installation.adapters.builds.logs(build, 0);
      expect(text).toContain("TF_IN_AUTOMATION=1");
      for (const check of await checksOf(commit)) {
        for (const secret of secrets) expect(JSON.stringify(check)).not.toContain(secret);
      }
      expect((await installation.api.find(`/v1/${STACK}`))?.["outputs"]).toMatchObject([
        { name: "secret", sensitive: true },
      ]);
    },
    TIMEOUT_MS,
  );
});
