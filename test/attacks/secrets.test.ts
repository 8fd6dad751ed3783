// Canary secrets are planted wherever a secret can be; afterwards everything that was written or answered is searched for them.
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
} from "../support/demo-platform.ts";
import { appliesUntil, UNATTENDED_STACK } from "../support/gated-stack.ts";
import { type RayFake, startRayFake } from "../support/ray-fake.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";
import { attacked } from "./attacked.ts";

const SETUP_MS = 120_000;
const canary = (what: string): string => `canary-${what}-${randomBytes(9).toString("hex")}`;

/** What no file, answer or process may show. */
const SECRETS = {
  previousWebhookSecret: canary("previous-webhook-secret"),
  rayToken: canary("ray-token"),
  rayPassword: canary("ray-password"),
  remotePassword: canary("remote-password"),
  environment: canary("environment"),
  sensitiveVariable: canary("sensitive-variable"),
  sensitiveOutput: canary("sensitive-output"),
  outputToken: `ghp_${randomBytes(18).toString("hex")}`,
  jobToken: `github_pat_${randomBytes(20).toString("hex")}`,
  jobPassword: canary("job-password"),
  serverToken: `xoxb-${randomBytes(20).toString("hex")}`,
  runVariable: canary("run-variable"),
  artifactPassword: canary("artifact-password"),
  wrongToken: canary("wrong-token"),
  cookie: canary("cookie"),
} as const;

let ray: RayFake;
beforeAll(async () => {
  ray = await startRayFake({ token: SECRETS.rayToken });
});
const door = attacked({
  wrap: (adapters) => {
    const { host } = new URL(ray.address);
    const address = `http://me:${SECRETS.rayPassword}@${host}`;
    return { ...adapters, cluster: createCluster({ address, token: SECRETS.rayToken }) };
  },
});
const { at, as, send, post } = door;
const heard: string[] = [];
let platform: DemoPlatform;

/** Asks, and keeps what was answered for the search. */
const hear = async (answer: Promise<{ readonly text: string; readonly status: number }>): Promise<number> => {
  const { text, status } = await answer;
  heard.push(text);
  return status;
};
const get = (path: string): Promise<number> => hear(send("GET", path, [as("admin")]));

const TERRAFORM = `variable "hidden" {
  default   = "${SECRETS.sensitiveVariable}"
  sensitive = true
}
resource "terraform_data" "secret" {
  input = var.hidden
}
output "copy" {
  value = nonsensitive(var.hidden)
}
output "nested" {
  value = { said = ["token ${SECRETS.outputToken}"] }
}
output "secret" {
  value     = sensitive("${SECRETS.sensitiveOutput}")
  sensitive = true
}
`;
const FAILING = `resource "terraform_data" "more" {
  input = tonumber(nonsensitive(var.hidden))
}
`;
/** A model server that prints everything that it was given, and more. */
const SERVER = `console.log(JSON.stringify(process.env), process.argv.join(" "), ${JSON.stringify(SECRETS.serverToken)});
setTimeout(() => process.exit(3), 1500);
`;

const configuration = configurationText({ stacks: UNATTENDED_STACK }).replace("server.mjs", "talkative.mjs");

beforeAll(() => {
  process.env["SIGNALBOX_TEST_CANARY"] = SECRETS.environment;
  process.env["TF_VAR_hidden"] = SECRETS.environment;
});
beforeAll(async () => {
  const { state, api, url, keys } = at();
  writeFileSync(state.path("secrets", "github-webhook.previous"), SECRETS.previousWebhookSecret, {
    mode: 0o600,
  });
  platform = await createDemoPlatform(
    { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
    configuration,
    { "serving/ranker/talkative.mjs": SERVER, "stacks/site/main.tf": "" },
  );
  await platform.clone.git(
    "--git-dir",
    state.path("repos", "acme", "platform.git"),
    "config",
    "remote.origin.url",
    `https://bot:${SECRETS.remotePassword}@host.example.com/acme/platform.git`,
  );
}, SETUP_MS);
afterAll(async () => {
  delete process.env["SIGNALBOX_TEST_CANARY"];
  delete process.env["TF_VAR_hidden"];
  await ray?.close();
});

/** Files below a folder, with their content. */
function written(folder: string): readonly (readonly [path: string, content: string])[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => existsSync(join(folder, path)) && statSync(join(folder, path)).isFile())
    .map((path) => [path, readFileSync(join(folder, path), "latin1")]);
}

/** Command lines and environments of every process that we may read, but this one and its parents. */
function processes(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) =>
      ["cmdline", "environ"].map((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, "latin1");
        } catch {
          // It has ended, or is somebody else's.
          return "";
        }
      }),
    );
}

/** Names of the secrets that a text shows, as they are or in base64. */
const shownIn = (text: string): readonly string[] =>
  Object.entries(SECRETS)
    .filter(
      ([, secret]) =>
        text.includes(secret) ||
        text.includes(Buffer.from(secret).toString("base64").replace(/=+$/, "").slice(0, -2)),
    )
    .map(([name]) => name);

/** Where a secret may lie: what people put there, and what Terraform needs; all of it for the owner's eyes only. */
const HOLDERS = [
  /^secrets\//,
  /^token/,
  /^terraform\//,
  /^blobs\//,
  /^work\//,
  /^checkouts\//,
  /^repos\/acme\/platform\.git\/(objects|config)/,
];

const outputUri = (): string => pathToFileURL(at().state.path("artifacts", "out")).href;

describe.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}row 79: planted secrets`, { timeout: SETUP_MS }, () => {
  test("of Terraform come and go through plan, apply, failure and outputs", async () => {
    const merged = await platform.merge(
      await platform.openPullRequest(1, { "stacks/site/main.tf": TERRAFORM }),
    );
    const applies = await appliesUntil(
      "the merge is applied",
      () => at().api,
      (all) => all.some(({ mergeCommit, state }) => mergeCommit === merged && state === "FINISHED"),
    );
    expect(applies.length).toBeGreaterThan(0);
    const { headSha } = await platform.openPullRequest(2, {
      "stacks/site/main.tf": `${TERRAFORM}${FAILING}`,
    });
    await until("the plan has failed", async () =>
      (await at().api.list(`/v1/repositories/acme/platform/checks?commit=${headSha}`)).find(
        ({ conclusion }) => conclusion === "failure",
      ),
    );
    await get(`/v1/repositories/acme/platform/checks?commit=${headSha}`);
    await get(`/v1/repositories/acme/platform/checks?commit=${merged}`);
    const builds = readdirSync(at().state.path("builds"));
    expect(builds.length).toBeGreaterThanOrEqual(3);
    for (const build of builds) expect(await get(`/v1/builds/${build}/logs`)).toBe(200);
    expect(heard.join()).toContain("(redacted)");
  });

  test("of model servers and of their environment are told in no fact, and no process has ours", async () => {
    await platform.register("1");
    const seen: string[] = [];
    await until(
      "the release has failed, with what the server said last",
      async () => {
        seen.push(...processes());
        const { facts } = await at().adapters.ledger.list({ limit: 500, order: "oldest-first" });
        return facts.find(({ type }) => type === "release.failed");
      },
      60_000,
    );
    expect(seen.some((text) => text.includes("MODEL_VERSION="))).toBe(true);
    expect(seen.flatMap(shownIn)).toEqual([]);
    const log = written(at().state.path("backends")).find(([path]) => path.endsWith(".log"));
    expect(shownIn(log?.[1] ?? "")).toEqual(["serverToken"]);
  });

  test("that a Ray job prints are in no fact, log or answer", async () => {
    const body = {
      entrypoint: "fail",
      runtimeEnvironment: { env_vars: { MODE: "fast" } },
      inputs: [],
      outputUri: outputUri(),
    };
    const name = "teams/default/runs/talkative";
    expect(await hear(post("/v1/teams/default/runs?runId=talkative", JSON.stringify(body)))).toBe(200);
    const job = await until("the job is there", async () => [...ray.jobs.values()][0]);
    job.logs += `using ${SECRETS.jobToken} at https://me:${SECRETS.jobPassword}@host/\n\u001b[31mred\n`;
    const run = await at().api.awaits("the run has failed", `/v1/${name}`, ({ state }) => state === "FAILED");
    expect(JSON.stringify(run)).toContain("(redacted)");
    expect(await get(`/v1/${name}:logs`)).toBe(200);
    expect(heard.at(-1)).toContain("using (redacted)");
  });

  test("in requests are refused without a word of them", async () => {
    const environment = { env_vars: { DATABASE_PASSWORD: SECRETS.runVariable } };
    const run = { entrypoint: "x", runtimeEnvironment: environment, outputUri: outputUri() };
    const refused = await post("/v1/teams/default/runs?runId=secretive", JSON.stringify(run));
    expect(refused).toMatchObject({ status: 400, reason: "CREDENTIAL_IN_REQUEST" });
    expect(refused.text).toContain("env_vars.DATABASE_PASSWORD");
    heard.push(refused.text);
    for (const uri of [
      `https://me:${SECRETS.artifactPassword}@models.example.com/ranker`,
      `https://models.example.com/ranker?X-Goog-Signature=${SECRETS.artifactPassword}`,
    ]) {
      const version = {
        version: "9",
        artifact: { uri, digest: `sha256:${"0".repeat(64)}` },
        endpoint: ENDPOINT,
      };
      const answer = await post("/v1/teams/default/models/ranker/versions", JSON.stringify(version));
      expect(answer).toMatchObject({ status: 400 });
      heard.push(answer.text);
    }
    expect(await hear(send("GET", "/v1/stacks", [["authorization", `Bearer ${SECRETS.wrongToken}`]]))).toBe(
      401,
    );
    expect(
      await hear(send("GET", "/", [["cookie", `signalbox_session_${door.port()}=${SECRETS.cookie}`]])),
    ).toBe(401);
    expect(await hear(send("GET", `/session?code=${SECRETS.cookie}`))).toBe(401);
    const forged = [door.signed("{}", SECRETS.wrongToken)];
    expect(await hear(door.deliver("{}", { signatures: forged }))).toBe(401);
    const rotated = [door.signed("{}", SECRETS.previousWebhookSecret)];
    expect(await hear(door.deliver("{}", { signatures: rotated, event: "ping" }))).toBe(202);
  });

  test("are nowhere: not in a file, not in the database, not in an answer, not on the page", async () => {
    for (const path of [
      "/",
      "/metrics",
      "/v1/openapi.json",
      "/v1/facts?pageSize=1000",
      "/v1/stacks",
      "/v1/stacks/site",
      "/v1/stacks/-/plans",
      "/v1/stacks/-/applies",
      "/v1/teams/-/models",
      "/v1/teams/-/endpoints",
      "/v1/teams/-/runs",
      "/v1/deliveries",
      "/v1/deadLetters",
      `/v1/${ENDPOINT}/rollouts`,
    ])
      expect([path, await get(path)]).toEqual([path, 200]);
    expect(heard.flatMap(shownIn)).toEqual([]);
    const shown = written(at().state.root)
      .filter(([path]) => !HOLDERS.some((holder) => holder.test(path)))
      // A model server writes its log itself; what it prints of its own is its own.
      .filter(([path]) => !/^backends\/.*\.log/.test(path))
      .flatMap(([path, content]) => shownIn(content).map((secret) => `${secret} in ${path}`));
    expect(shown).toEqual([]);
    const signed = written(at().state.root).filter(([, content]) =>
      /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/.test(content),
    );
    expect(signed.map(([path]) => path)).toEqual([]);
    const own = [...at().tokens.values(), ...at().keys.hidden];
    const files = written(at().state.root).filter(([path]) => !HOLDERS.some((holder) => holder.test(path)));
    expect(files.map(([path]) => path)).toEqual(expect.arrayContaining(["ledger.db", "signalbox.log"]));
    for (const [path, content] of files)
      expect([path, own.filter((secret) => content.includes(secret))]).toEqual([path, []]);
    expect(heard.filter((text) => own.some((secret) => text.includes(secret)))).toEqual([]);
  });

  test("lie only in files that nobody but the owner can read", () => {
    const root = at().state.root;
    expect(statSync(root).mode & 0o077).toBe(0);
    const holders = written(root).filter(([path]) => /^(secrets|terraform|blobs)\/|^token/.test(path));
    expect(holders.length).toBeGreaterThan(5);
    const open = holders
      .map(([path]) => path)
      .filter((path) => (statSync(join(root, path)).mode & 0o077) !== 0);
    expect(open).toEqual([]);
  });
});
