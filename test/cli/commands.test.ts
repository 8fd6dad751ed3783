// The command line on a control plane that runs: a platform with one endpoint, two versions of a model, and a rollback.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
  MODEL,
  versionName,
} from "../support/demo-platform.ts";
import type { Answer } from "../support/caller.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { startLiveRequests } from "../support/live-requests.ts";
import { until } from "../support/until.ts";
import { type Called, callCli } from "./call-cli.ts";

const SETUP_MS = 120_000;
const REQUESTS_PER_SECOND = 150;

let installation: TestInstallation;
let platform: DemoPlatform;
let empty: Readonly<Record<string, Called>>;

/** A command line on the installation; ada is an engineer, grace an operator. */
const cli = (...argv: readonly string[]): Promise<Called> =>
  callCli(["--state", installation.state.root, ...argv]);

const LISTS = ["stacks", "plans", "models", "endpoints", "rollouts", "runs", "dead-letters"] as const;

async function promoted(version: string): Promise<void> {
  await until(`version ${version} is promoted`, async () => {
    const rollout = await platform.rolloutOf(version);
    return rollout?.["state"] === "PROMOTED" ? rollout : undefined;
  });
}

/** Traffic that is recorded before the second version comes. */
const RECORDED_SECONDS = 4;

beforeAll(async () => {
  installation = await startTestInstallation();
  const { state, url, gatewayUrl, api, keys } = installation;
  const server = { pid: process.pid, url, gatewayUrl };
  writeFileSync(state.path("server.json"), JSON.stringify(server));
  const answers = await Promise.all(LISTS.map(async (list) => [list, await cli(list)] as const));
  empty = Object.fromEntries(answers);
  platform = await createDemoPlatform({
    state: state.root,
    url: () => url,
    api,
    webhookSecret: keys.webhookSecret,
  });
  await platform.register("1");
  await api.awaits("version 1 serves", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 1);
  const traffic = startLiveRequests(gatewayUrl, "ranker", REQUESTS_PER_SECOND);
  try {
    await promoted("1");
    // A replay needs traffic that one version alone served, for as long as the steps of its policy.
    await until("seconds of traffic are recorded", async () => {
      const { traffic: recorded } = JSON.parse((await cli("--json", "judge", "plan", "ranker")).out) as {
        traffic: { seconds: number };
      };
      return recorded.seconds >= RECORDED_SECONDS ? true : undefined;
    });
    await platform.register("2");
    await promoted("2");
  } finally {
    await traffic.stop();
  }
}, SETUP_MS);

afterAll(() => installation.close());

describe("while there is nothing", () => {
  test.each(LISTS)("`%s` says so and what to do next", (list) => {
    const { code, out, err } = empty[list] as Called;
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^No .+(: |, ).+\.\n$/);
  });
});

describe("lists", () => {
  test("`endpoints` shows weights and holds, aligned", async () => {
    const { out } = await cli("endpoints");
    const [head = "", row = ""] = out.split("\n");
    expect(head).toMatch(/^ENDPOINT +VERSION: WEIGHT +ROLLOUT +WAITING +EPOCH +HOLD$/);
    expect(row).toMatch(/^ranker +2: 100 % +– +0 +\d+ +no$/);
    for (const heading of ["VERSION: WEIGHT", "EPOCH", "HOLD"]) {
      expect(row.slice(head.indexOf(heading) - 1, head.indexOf(heading) + 1)).toMatch(/^ \S$/);
    }
  });

  test("`rollouts` shows the newest first, with its verdict in a sentence", async () => {
    const lines = (await cli("rollouts")).out.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^ranker-2-\S+ +2 +PROMOTED +100 % +\d+s +Pass\. Canary: 0 errors in /);
    expect(lines[2]).toMatch(/^ranker-1-\S+ +1 +PROMOTED +100 % +\d+s +Pass\. First version: 0 errors in /);
  });

  test("`models` and `versions` show what was verified", async () => {
    expect((await cli("models")).out).toMatch(/\nranker +2 +2 +2 +\d+s\n$/);
    const { out } = await cli("versions", "ranker");
    expect(out).toMatch(
      /^VERSION +STATE +TRAINED BY +DATASETS +COMMIT +REGISTERED +MESSAGE\n2 +VERIFIED .*\n1 +VERIFIED /,
    );
  });

  test("`--limit` and `--json` serve programs", async () => {
    const { out } = await cli("--json", "rollouts", "--limit", "1");
    expect(JSON.parse(out)).toMatchObject([{ modelVersion: versionName("2"), state: "PROMOTED" }]);
    expect(JSON.parse((await cli("runs", "--json")).out)).toEqual([]);
  });

  test("`facts` lists what happened, newest first, by subject and type", async () => {
    const { out } = await cli("facts", "--type", "rollout.promoted");
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^TIME \(UTC\) +TYPE +SUBJECT +ACTOR$/);
    expect(lines[1]).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +rollout\.promoted +teams\/default\/endpoints\/ranker\/rollouts\/ranker-2-/,
    );
    expect(lines).toHaveLength(3);
    const none = await cli("facts", "--subject", "stacks/none");
    expect(none.out).toBe("No such facts: leave out --subject and --type to see all.\n");
    expect(await cli("facts", "--type", "rollout.danced")).toMatchObject({ code: 1, out: "" });
  });

  test("`lineage` tells from version to commit, with every gap", async () => {
    const { out } = await cli("lineage", "ranker");
    expect(out.trimEnd().split("\n")).toEqual([
      `${versionName("2")} serves with 100 %`,
      "  model version ranker 2",
      "    ← training run: none recorded",
      "      ← dataset version: none recorded",
      "        ← data run: none recorded",
      "          ← commit: none recorded",
    ]);
  });
});

describe("refusals", () => {
  test("what does not exist exits with 3 and says where to look", async () => {
    expect(await cli("resume", "nobody", "--reason", "x")).toMatchObject({ code: 3 });
    const { code, err } = await cli("approve", "stacks/none/plans/1");
    expect(code).toBe(3);
    expect(err).toMatch(/^NOT_FOUND: .*stacks\/none\/plans\/1/);
    expect(await cli("logs", "nothing-of-ours")).toMatchObject({ code: 3 });
  });

  test("a name that nothing can have exits with 3 and shows what names look like", async () => {
    for (const command of [
      ["approve", "x"],
      ["wait", "x"],
      ["rollback", "a/b/c", "--reason", "x"],
    ]) {
      const { code, err } = await cli(...command);
      expect([command, code, err]).toEqual([
        command,
        3,
        expect.stringMatching(/^NOT_FOUND: .*stacks\/web\/plans\/1a2b/),
      ]);
    }
  });

  test("who may not exits with 4 and is told which role may", async () => {
    const { code, err } = await cli("--as", "ada", "resume", "ranker", "--reason", "x");
    expect(code).toBe(4);
    expect(err).toMatch(/^PERMISSION_DENIED: .*operator/);
    const env = { SIGNALBOX_URL: installation.url, SIGNALBOX_TOKEN: "somebody-else" };
    expect(await callCli(["stacks"], { env })).toMatchObject({ code: 4 });
  });

  test("what the state forbids exits with 1", async () => {
    const { code, err } = await cli("rollback", "ranker", "--from", versionName("9"), "--reason", "x");
    expect(code).toBe(1);
    expect(err).toMatch(/^FAILED_PRECONDITION: .*has never held traffic/);
    const short = await cli("rollback", "ranker", "--from", "9", "--reason", "x");
    expect(short.code).toBe(2);
    expect(short.err).toContain("serving: 2; good: 2, 1");
  });
});

describe("judge", () => {
  test("`plan` tells what a rollout takes at the traffic there was, and `replay` what a rollout was decided on", async () => {
    const plan = await cli("--json", "judge", "plan", "ranker");
    const { traffic, steps } = JSON.parse(plan.out) as {
      traffic: { requestsPerSecond: number };
      steps: readonly unknown[];
    };
    expect(traffic.requestsPerSecond).toBeGreaterThan(0);
    expect(steps.length).toBeGreaterThan(0);
    const folder = installation.state.root;
    const [policy, saved] = [join(folder, "quick.yaml"), join(folder, "saved.jsonl")];
    writeFileSync(
      policy,
      "steps: [50]\nstep: { minSeconds: 1, minRequests: 1 }\njudge: { look: 1s, scrape: 1s, window: 1s, errors: { tolerance: 0.05 } }\n",
    );
    const options = ["--policy", policy, "--rollouts", "5", "--save", saved];
    const { code, out, err } = await cli("judge", "replay", "--rollout", "ranker", ...options);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/False rollbacks: \d of 5/);
    expect(out).toContain("this policy would have promoted it");
    expect(out).toContain("is PROMOTED");
    expect((await cli("judge", "replay", saved, ...options.slice(0, 4))).code).toBe(0);
    expect((await cli("judge", "replay", "--rollout", "nobody")).code).toBe(3);
  });
});

describe("events publish", () => {
  const event = (id: string, version: string) => ({
    specversion: "1.0",
    id,
    source: "//training.example.com/ranker",
    type: "dev.signalbox.model-version.registered.v1",
    datacontenttype: "application/json",
    data: {
      model: "quiet",
      version,
      artifact: { uri: "file:///nowhere", digest: `tree-sha256:${"0".repeat(64)}` },
    },
  });

  test("takes a file and standard input, and says what it became", async () => {
    const file = join(installation.state.root, "event.json");
    writeFileSync(file, JSON.stringify(event("quiet-1", "1")));
    const name = "teams/default/models/quiet/versions/1";
    expect(await cli("events", "publish", file)).toEqual({ code: 0, out: `Accepted: ${name}\n`, err: "" });
    const argv = ["--state", installation.state.root, "--json", "events", "publish", "-"];
    const again = await callCli(argv, { stdin: JSON.stringify(event("quiet-2", "2")) });
    expect(JSON.parse(again.out)).toMatchObject({ name: "teams/default/models/quiet/versions/2" });
    const rejected = await until("its bytes are found missing", async () => {
      const { out } = await cli("versions", "quiet");
      return out.includes("REJECTED") ? out : undefined;
    });
    expect(rejected).toContain("Put the artifact in place");
  });

  test("refuses what is not JSON, not there, or not an event", async () => {
    const file = join(installation.state.root, "broken.json");
    writeFileSync(file, "{");
    expect(await cli("events", "publish", file)).toMatchObject({ code: 2 });
    expect((await cli("events", "publish", "/nowhere.json")).err).toContain("/nowhere.json cannot be read");
    const argv = ["--state", installation.state.root, "events", "publish", "-"];
    const { code, err } = await callCli(argv, { stdin: "{}" });
    expect([code, err.startsWith("INVALID_ARGUMENT: ")]).toEqual([1, true]);
  });
});

describe("a rollback", () => {
  test("without --from leaves the version that serves; the endpoint is held until it is resumed", async () => {
    const { code, out } = await cli("rollback", "ranker", "--reason", "bad answers");
    expect(code).toBe(0);
    expect(out).toMatch(
      /^teams\/default\/endpoints\/ranker moved from version 2 to 1 in \d+ ms: it serves 1: 100 % \(epoch \d+\)\.\nIt is held: .*`signalbox resume ranker --reason '…'`\.\n$/,
    );
    const document = await installation.adapters.traffic.read(ENDPOINT);
    expect(document?.traffic.moves[0]).toMatchObject({ kind: "rollback", reason: "bad answers" });

    const again = await cli("rollback", "ranker", "--from", versionName("2"), "--reason", "bad answers");
    expect(again.out).toContain("had been moved off version 2 already: it serves 1: 100 %");

    await installation.api.awaits("the hold is recorded", `/v1/${ENDPOINT}`, ({ held }) => held === true);
    expect((await cli("endpoints")).out).toMatch(/ranker +1: 100 % .* held \d+s: bad answers\n/);
    const status = await cli("status");
    expect([status.code, status.err]).toEqual([0, ""]);
    expect(status.out).toContain(`The control plane at ${installation.url} answers.`);
    expect(status.out).toMatch(
      /Endpoints: 1\n {2}ranker {2}1: 100 %\n {4}held for \d+s by admin: bad answers\n {4}signalbox resume ranker/,
    );
    expect(JSON.parse((await cli("status", "--json")).out)).toMatchObject({
      endpoints: [{ name: ENDPOINT, held: true }],
      waiting: [],
      deadLetters: { totalSize: 0 },
    });

    const resumed = await cli("--as", "grace", "resume", "ranker", "--reason", "looked at it");
    expect(resumed.out).toMatch(/^teams\/default\/endpoints\/ranker is resumed/);
    expect((await cli("resume", "ranker", "--reason", "again")).out).toContain(
      "was not held; nothing changed",
    );
  });

  test(
    "during a split takes off the new version, not the one that serves most",
    { timeout: 60_000 },
    async () => {
      // Nobody sends requests, so the judge cannot end the split.
      await platform.register("3");
      await until("version 3 has a share", async () => {
        const document = await installation.adapters.traffic.read(ENDPOINT);
        return Object.keys(document?.weights ?? {}).length > 1 ? document : undefined;
      });
      const { out } = await cli("rollback", "ranker", "--reason", "not this one");
      expect(out).toContain("moved from version 3 to 1");
      expect(out).toContain("it serves 1: 100 %");
    },
  );
});

describe("a rollout", () => {
  const shareOf = (rollout: Answer | undefined) => Number(rollout?.["weight"] ?? 0);
  const runs = (version: string) =>
    until(`version ${version} has a share`, async () => {
      const rollout = await platform.rolloutOf(version);
      return rollout?.["state"] === "RUNNING" && shareOf(rollout) > 0 ? rollout : undefined;
    });

  test("is paused, let go on and aborted by its endpoint's name, and tried again and advanced by its id", async () => {
    // Nobody sends requests, so only people move it.
    await cli("--as", "grace", "resume", "ranker", "--reason", "looked at it");
    await platform.register("4");
    const id =
      String((await runs("4"))["name"])
        .split("/")
        .at(-1) ?? "";
    const paused = await cli("pause", "ranker", "--reason", "lunch");
    expect(paused).toEqual({
      code: 0,
      out: `version 4 stays at 50 % until \`signalbox unpause ${id} --reason '…'\`.\n`,
      err: "",
    });
    expect((await cli("unpause", id, "--reason", "back")).out).toBe("version 4 goes on from 50 %.\n");
    expect((await cli("abort", "ranker", "--reason", "wrong artifact")).out).toContain("is aborted");
    const retried = await cli("retry", id, "--reason", "it was right");
    expect(retried.out).toMatch(/^version 4 is tried again as ranker-4-2-\S+: QUEUED\.\n$/);
    const again =
      String((await runs("4"))["name"])
        .split("/")
        .at(-1) ?? "";
    expect((await cli("advance", again, "--reason", "seen enough")).out).toBe(
      "version 4 is promoted: it has 100 %.\n",
    );
  }, 60_000);

  test("that does not run, or is not there, is refused with where to look", async () => {
    await installation.api.awaits("nothing runs", `/v1/${ENDPOINT}`, ({ running }) => running === null);
    const idle = await cli("pause", "ranker", "--reason", "x");
    expect([idle.code, idle.err]).toEqual([
      1,
      `No rollout runs on ${ENDPOINT}: name one that waits by its id, as \`signalbox rollouts\` shows it.\n`,
    ]);
    expect(await cli("abort", "nobody", "--reason", "x")).toMatchObject({ code: 3 });
    expect(await cli("retry", "ranker", "--reason", "x")).toMatchObject({ code: 3 });
    expect(await cli("cancel", "nobody", "--reason", "x")).toMatchObject({ code: 3 });
  });
});

test("`open --print` gives an address that signs in once", async () => {
  const { out } = await cli("open", "--print");
  const first = await fetch(out.trim(), { redirect: "manual" });
  expect([first.status, first.headers.has("set-cookie")]).toEqual([303, true]);
  expect((await fetch(out.trim(), { redirect: "manual" })).status).not.toBe(303);
});

test("everything that can be listed is about this platform", async () => {
  const names = JSON.parse((await cli("--json", "models")).out) as readonly { readonly name: string }[];
  expect(names.map(({ name }) => name)).toContain(MODEL);
});
