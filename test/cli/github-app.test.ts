import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type GithubFake, startGithubFake } from "../support/github/github-fake.ts";
import { callCli } from "./call-cli.ts";

let fake: GithubFake;
beforeAll(async () => {
  fake = await startGithubFake();
});
afterAll(() => fake.close());

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "signalbox-app-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
const URL = "https://signalbox.example.com";
const create = (state: string, code: string) =>
  callCli(["--state", state, "github-app", "create", "--code", code, "--api-url", fake.url]);

test("the manifest asks for the least that is needed, and writes no code", async () => {
  const { code, out } = await callCli(["--json", "github-app", "manifest", "--url", `${URL}/`]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    hook_attributes: { url: `${URL}/webhooks/github` },
    public: false,
    default_permissions: { contents: "read", checks: "write", pull_requests: "write" },
  });
  expect(JSON.parse(out)).toMatchObject({
    default_events: expect.arrayContaining(["merge_group", "pull_request_review"]),
  });
});

test("the page hands the same manifest to GitHub, and an address without TLS is refused", async () => {
  const page = join(folder(), "app.html");
  const args = ["github-app", "manifest", "--organization", "acme", "--page", page];
  const { out } = await callCli([...args, "--url", URL, "--name", 'a"><script>']);
  expect(out).toContain("github-app create --code");
  const html = readFileSync(page, "utf8");
  expect(html).toContain('action="https://github.com/organizations/acme/settings/apps/new"');
  expect(html).not.toContain("<script>");
  expect((await callCli([...args, "--url", "http://signalbox.example.com"])).code).toBe(2);
});

test("the code becomes an App whose secrets only the owner can read, and nobody is shown", async () => {
  const state = folder();
  fake.manifests.set("good", {});
  const { code, out, err } = await create(state, "good");
  expect([code, err]).toEqual([0, ""]);
  const key = readFileSync(join(state, "secrets", "github-app-key"), "utf8");
  const hook = readFileSync(join(state, "secrets", "github-webhook"), "utf8");
  expect(key).toBe(fake.privateKey);
  expect(out).not.toContain("PRIVATE KEY");
  expect(out).not.toContain(hook);
  expect(statSync(join(state, "secrets", "github-app-key")).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(join(state, "github-app.json"), "utf8"))).toMatchObject({
    appId: fake.settings.appId,
  });
  expect((await create(state, "good")).err).toContain("is there already");
});

test("a code that was used leaves nothing behind and says to start again", async () => {
  const state = folder();
  const { code, err } = await create(state, "used");
  expect(code).toBe(3);
  expect(err).toContain("good once");
  fake.manifests.set("next", {});
  expect((await create(state, "next")).code).toBe(0);
});

test("doctor says of a state folder what is broken and what to do, and exits so", async () => {
  const state = folder();
  fake.manifests.set("doctor", {});
  await create(state, "doctor");
  writeFileSync(join(state, "token"), "secret", { mode: 0o644 });
  const env = { PATH: process.env["PATH"] };
  const [installation] = fake.installations.values();
  if (installation === undefined) throw new Error("no installation");
  installation.events = ["push"];
  installation.permissions = { contents: "write", metadata: "read" };
  fake.hook.url = `${fake.url}/webhooks/github`;
  const { code, out } = await callCli(["--state", state, "--json", "doctor"], { env });
  expect(code).toBe(1);
  const found = JSON.parse(out) as { check: string; state: string; what: string; remedy: string }[];
  const broken = found.filter((each) => each.state === "failure");
  expect([...new Set(broken.map(({ check }) => check))]).toEqual(
    expect.arrayContaining(["control plane", "permissions", "subscriptions", "webhook"]),
  );
  expect(broken.every(({ remedy }) => remedy !== "")).toBe(true);
  expect(found).toContainEqual(
    expect.objectContaining({ state: "warning", what: expect.stringContaining("contents: write") }),
  );
  expect(out).not.toContain("PRIVATE KEY");
});
