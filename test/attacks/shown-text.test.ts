// Text of others where people read it: checks, comments, build logs and the page. It may say what it likes and be nothing else.
import { readdirSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  REPOSITORY,
} from "../support/demo-platform.ts";
import { plainTerraform } from "../support/gated-stack.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";
import { attacked, expectUnharmed, servesTwice, VICTIM } from "./attacked.ts";

const ATTACK_MS = 60_000;
const door = attacked();
const { at, as, send, post } = door;

const MARKUP = "</code></details><script>alert(1)</script><img src=x onerror=alert(1)>";
const MENTION = "@acme/everyone #1 GH-2";
const ESCAPES = "\u001b[2J\u001b]0;owned\u0007\u009b31m\u202egnp.exe";

/** What a terminal or a reader would obey; line ends and tabs are none of it. */
const CONTROLS = /[^\n\t\P{Cc}]|\u202e/u;

let platform: DemoPlatform;
beforeAll(async () => {
  const { state, api, url, keys } = at();
  platform = await createDemoPlatform(
    { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
    configurationText({
      stacks:
        "stacks:\n  - name: site\n    directory: stacks/site\n    approvals: 1\n    approveAlways: true",
    }),
    { "stacks/site/main.tf": plainTerraform("first") },
  );
}, ATTACK_MS);

const textOfChecks = async (commit: string): Promise<string> =>
  (
    await until(
      "the check has ended",
      async () => {
        const all = await at().api.list(`/v1/repositories/${REPOSITORY.fullName}/checks?commit=${commit}`);
        return all.some(
          ({ name, conclusion }) =>
            String(name).includes("site") && conclusion !== undefined && conclusion !== null,
        )
          ? all
          : undefined;
      },
      ATTACK_MS / 2,
    )
  )
    .map(({ title, summary }) => `${String(title)}\n${String(summary)}`)
    .join("\n");

/** Markdown with its code taken out: what a reader's browser would take for markup. */
const outsideCode = (markdown: string): string =>
  markdown.replaceAll(/(`{3,})[^\n]*\n[\s\S]*?\n\1/g, "").replaceAll(/(`+)[^`](?:[\s\S]*?[^`])?\1(?!`)/g, "");

function expectTame(markdown: string): void {
  const open = outsideCode(markdown);
  expect(open).not.toMatch(/<script|<img|<\/details><script/i);
  expect(open).not.toMatch(/@acme|#1\b|GH-2/);
  expect(markdown).not.toMatch(CONTROLS);
  expect(markdown.length).toBeLessThanOrEqual(65_535 * 2);
}

describe.skipIf(TERRAFORM_MISSING)(
  `${TERRAFORM_NOTE}row 54: what Terraform says`,
  { timeout: ATTACK_MS },
  () => {
    test("in a plan is shown tame: markup, mentions, escapes, and seventy thousand characters", async () => {
      const value = `${MARKUP} ${MENTION} \`\`\` \\u001b[31m\\u202e ${"x".repeat(70_000)}`;
      const { headSha } = await platform.openPullRequest(1, {
        "stacks/site/main.tf": `resource "terraform_data" "a" {\n  input = ${JSON.stringify(value).replaceAll("\\\\u", "\\u")}\n}\noutput "said" {\n  value = "${MARKUP} ${MENTION}"\n}\n`,
      });
      expectTame(await textOfChecks(headSha));
      await expectUnharmed(door);
    });

    test("in a failure is shown tame, on the check and in the log of the build", async () => {
      const { headSha } = await platform.openPullRequest(2, {
        "stacks/site/main.tf": `resource "terraform_data" "a" {\n  input = tonumber("${MARKUP} ${MENTION} \\u001b[2J\\u202e")\n}\n`,
      });
      expectTame(await textOfChecks(headSha));
      const { facts } = await at().adapters.ledger.list({ limit: 500, order: "newest-first" });
      const failed = facts.find(({ type }) => type === "plan.failed");
      expect(JSON.stringify(failed)).not.toMatch(/\\u001b|\u202e/);
      const builds = readdirSync(at().state.path("builds"));
      expect(builds.length).toBeGreaterThan(0);
      for (const build of builds)
        expect((await send("GET", `/v1/builds/${build}/logs`, [as("admin")])).text).not.toMatch(CONTROLS);
    });
  },
);

describe("what people and programs say", { timeout: ATTACK_MS }, () => {
  test("row 54: is text on the page, whoever said it", async () => {
    await servesTwice(at());
    const reason = `${MARKUP} ${MENTION} " onmouseover="alert(1)`;
    expect((await post(`/v1/${VICTIM}:rollback`, JSON.stringify({ reason }), "ada")).status).toBe(200);
    const made = JSON.parse((await send("POST", "/v1/sessions", [as("grace")])).text) as { code: string };
    const { headers } = await send("GET", `/session?code=${encodeURIComponent(made.code)}`);
    const cookie = ["cookie", String(headers["set-cookie"]).split(";")[0] ?? ""] as const;
    const page = await until("the page shows the reason", async () => {
      const { text } = await send("GET", "/", [cookie]);
      return text.includes("alert(1)") ? text : undefined;
    });
    expect(page).not.toMatch(/<script|<img|<\/details><|onmouseover="alert/i);
    expect(page).toContain("&lt;script&gt;");
  });

  test("row 55: is one line of the log, whatever it holds", async () => {
    const before = at().log().length;
    const forged = `x\n{"severity":"CRITICAL","message":"forged"}${ESCAPES}`;
    // A colon would make a custom method of it, which is refused before anyone asks who calls.
    const id = encodeURIComponent(forged.replaceAll(":", " ")).slice(0, 150);
    await send("GET", `/v1/stacks/${id}`, [["authorization", "Bearer nobody"]]);
    await post(`/v1/${VICTIM}:rollback`, JSON.stringify({ reason: forged.slice(0, 100) }), "ada");
    await post("/v1/events", JSON.stringify({ reason: forged }), "ada");
    const lines = at()
      .log()
      .slice(before)
      .split("\n")
      .filter((line) => line !== "");
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const { severity } = JSON.parse(line) as { severity: string };
      expect(severity).not.toBe("CRITICAL");
      expect(line).not.toMatch(CONTROLS);
    }
  });

  test("row 56: an expression in the argument of a workflow is a text", async () => {
    const argument = JSON.stringify({ api: '${sys.get_env("HOME")}', rollout: "${1+1}" });
    const made = await post(
      "/v1/projects/signalbox/locations/local/workflows/canary/executions",
      JSON.stringify({ argument }),
      "ada",
    );
    const { name } = JSON.parse(made.text) as { name: string };
    const ended = await at().api.awaits("it has ended", `/v1/${name}`, ({ state }) => state === "FAILED");
    expect(ended["argument"]).toBe(argument);
    expect(JSON.stringify(ended)).not.toContain(process.env["HOME"] ?? "no home");
  });

  test.each([
    ["row 49: upper case", "Ranker"],
    ["row 49: another alphabet", "r\u0430nker"],
    ["row 49: an override of the direction", "\u202eranker"],
    ["row 49: a sign without width", "ran\u200bker"],
    ["row 49: a leading dash", "-ranker"],
    ["row 49: a leading digit's twin", "\u0661ranker"],
    ["row 49: two dots", ".."],
    ["row 49: one dot", "."],
    ["row 49: a name of prototypes", "__proto__"],
    ["row 49: sixty-four characters", "a".repeat(64)],
    ["row 49: a picture", "\u{1f680}"],
    ["row 57: a slash", "a/b"],
    ["row 57: a percent sign", "a%2fb"],
    ["row 58: a second document", "a\n---\nkind: Secret"],
  ])("%s is no name", async (_row, id) => {
    // What went before may still be rolling out: only models count.
    const before = await door.facts("teams/default/models/");
    const body = { version: "1", artifact: { uri: "file:///x", digest: `sha256:${"0".repeat(64)}` } };
    const path = `/v1/teams/default/models/${encodeURIComponent(id)}/versions`;
    const [byPath, byEvent] = [
      await post(path, JSON.stringify(body), "ada"),
      await send(
        "POST",
        "/v1/events",
        [as("ada"), ["content-type", "application/cloudevents+json"]],
        JSON.stringify({
          specversion: "1.0",
          id: `n-${encodeURIComponent(id).slice(0, 40)}`,
          source: "//x",
          type: "dev.signalbox.model-version.registered.v1",
          datacontenttype: "application/json",
          data: { ...body, model: id, endpoint: VICTIM },
        }),
      ),
    ];
    for (const { status } of [byPath, byEvent]) expect([400, 404, 414]).toContain(status);
    expect(await door.facts("teams/default/models/")).toBe(before);
  });
});
