// Models that do not serve: one that never becomes ready, one that dies, one that is not what was registered.
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { signalProcess } from "../../shared/adapters/local/process-identity.ts";
import type { AnyFact } from "../../shared/domain/fact.ts";
import {
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
  MODEL,
  versionName,
} from "../support/demo-platform.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { serverProcesses } from "../support/leftovers.ts";
import { type LiveRequests, startLiveRequests } from "../support/live-requests.ts";
import { until } from "../support/until.ts";

const SETUP_MS = 60_000;
const TIMEOUT_MS = 60_000;
/** Instead of a minute: nobody waits that long in a test. */
const READY_WITHIN_MS = 4_000;

const ALL_TO_ONE = { [versionName("1")]: 100 };

let installation: TestInstallation;
let platform: DemoPlatform;
let requests: LiveRequests;

beforeAll(async () => {
  installation = await startTestInstallation({ deployLimits: { readyTimeoutMs: READY_WITHIN_MS } });
  const { state, api, url, keys } = installation;
  platform = await createDemoPlatform({
    state: state.root,
    api,
    url: () => url,
    webhookSecret: keys.webhookSecret,
  });
  await platform.register("1");
  await api.awaits("version 1 serves", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 1);
  requests = startLiveRequests(installation.gatewayUrl, "ranker", 60);
  await until("version 1 is good", async () =>
    (await platform.rolloutOf("1"))?.["state"] === "PROMOTED" ? true : undefined,
  );
}, SETUP_MS);

afterAll(async () => {
  await requests?.stop();
  await installation?.close();
});

const ofType = async (stream: string, type: AnyFact["type"]): Promise<readonly AnyFact[]> =>
  (await installation.adapters.ledger.read(stream)).facts.filter((fact) => fact.type === type);

const serverOf = async (version: string) =>
  [...(await serverProcesses(installation.state.root))].find(([backend]) =>
    backend.includes(`-${version}-`),
  )?.[1];

test(
  "an artifact with another digest is rejected before anything serves it, with reason and remedy",
  async () => {
    const wrong = `sha256:${"0".repeat(64)}`;
    await platform.register("7", {}, wrong);
    const rejected = await installation.api.awaits(
      "the version is rejected",
      `/v1/${versionName("7")}`,
      ({ state }) => state === "REJECTED",
    );
    expect(JSON.stringify(rejected)).toMatch(/digest/i);
    const [fact] = await ofType(MODEL, "model-version.rejected");
    expect(fact?.data).toMatchObject({
      modelVersion: versionName("7"),
      reason: expect.stringMatching(/DIGEST/),
    });
    expect(await platform.rolloutOf("7")).toBeUndefined();
    expect(await serverOf("7")).toBeUndefined();
  },
  TIMEOUT_MS,
);

test(
  "a model server that never becomes ready takes no traffic, and its rollout says why and what to do",
  async () => {
    requests.forget();
    await platform.register("8", { neverReady: true });
    const rollout = await until("the rollout ends", async () => {
      const found = await platform.rolloutOf("8");
      return ["PROMOTED", "ROLLED_BACK", "ABORTED"].includes(String(found?.["state"])) ? found : undefined;
    });
    expect(rollout).toMatchObject({
      state: "ROLLED_BACK",
      release: {
        state: "FAILED",
        reason: "BACKEND_FAILED",
        message: expect.stringMatching(/never became ready/),
      },
    });
    const [failed] = await ofType(String(rollout?.["name"]), "release.failed");
    expect(failed?.data).toMatchObject({
      modelVersion: versionName("8"),
      nextStep: expect.stringMatching(/\w/),
    });
    // The end is a move as well, which changes no weight.
    expect(await ofType(ENDPOINT, "traffic.moved")).toMatchObject([
      { data: { kind: "first", to: ALL_TO_ONE } },
      { data: { kind: "abort", from: ALL_TO_ONE, to: ALL_TO_ONE } },
    ]);
    expect(
      requests.answered.every(({ status, version }) => status === 200 && version === versionName("1")),
    ).toBe(true);
    const endpoint = await installation.api.find(`/v1/${ENDPOINT}`);
    if (endpoint?.["held"] === true)
      await installation.api.post(`/v1/${ENDPOINT}:resume`, { reason: "looked at it" }, "grace");
  },
  TIMEOUT_MS,
);

test(
  "a model server that is killed while it serves is started again, and its callers are told meanwhile",
  async () => {
    const before = await serverOf("1");
    if (before === undefined) throw new Error("Version 1 has no server.");
    requests.forget();
    await signalProcess(before, "SIGKILL", "process");
    await until("callers notice", () => requests.answered.find(({ status }) => status !== 200));
    await until("version 1 answers again", () => requests.answered.at(-1)?.status === 200 || undefined);
    const after = await until("it has a new process", async () => {
      const server = await serverOf("1");
      return server !== undefined && server.pid !== before.pid ? server : undefined;
    });
    expect(after.pid).not.toBe(before.pid);
    const notServed = requests.answered.filter(({ status }) => status !== 200);
    // 502: the request was under way when the server died. 503: there was nobody to send it to.
    expect(notServed.filter(({ status }) => status !== 502 && status !== 503)).toEqual([]);
    expect(notServed.filter(({ reason }) => reason === "")).toEqual([]);
    expect((await ofType(ENDPOINT, "traffic.moved")).at(-1)).toMatchObject({ data: { to: ALL_TO_ONE } });
  },
  TIMEOUT_MS,
);

test(
  "a canary whose server is killed comes to an end, and the good version never stops",
  async () => {
    await platform.register("9");
    await installation.api.awaits("the canary has half", `/v1/${ENDPOINT}`, ({ weights }) =>
      Object.keys(weights as object).includes(versionName("9")),
    );
    requests.forget();
    const server = await until("its server is known", () => serverOf("9"));
    onTestFinished(() => requests.forget());
    await signalProcess(server, "SIGKILL", "process");
    const rollout = await until("the rollout ends", async () => {
      const found = await platform.rolloutOf("9");
      return ["PROMOTED", "ROLLED_BACK"].includes(String(found?.["state"])) ? found : undefined;
    });
    const ofGood = requests.answered.filter(({ version }) => version === versionName("1"));
    expect(ofGood.length).toBeGreaterThan(0);
    expect(ofGood.filter(({ status }) => status !== 200)).toEqual([]);
    expect(String(rollout?.["reason"] ?? rollout?.["judgement"])).not.toBe("undefined");
  },
  TIMEOUT_MS,
);
