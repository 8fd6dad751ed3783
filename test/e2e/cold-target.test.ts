// A rollback to a version that is scaled down: real model servers, live traffic, a ledger that is down, and kill -9 in between.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Caller } from "../support/caller.ts";
import { breakable, type Breakable, type Outage } from "../support/breakable.ts";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
  versionName,
} from "../support/demo-platform.ts";
import { newStateFolder, startTestInstallation } from "../support/installation.ts";
import { startInstallationProcess } from "../support/installation-process.ts";
import { endLeftovers } from "../support/leftovers.ts";
import { startLiveRequests } from "../support/live-requests.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 120_000;
/** The API may take that long to tell the end of a rollback, and its answer is waited for longer than that. */
const WAIT = { body: { timeoutSeconds: 25 }, timeoutMs: 30_000 };
const QUICK_STANDBY = configurationText().replace("standby: 30m", "standby: 1s");
/** Long enough to be seen, or killed, while it starts. */
const SLOW_START = { startupMs: 3_000 };

/** What the folder remembers of version 1's backend. */
async function backendState(state: string): Promise<string> {
  const folder = join(state, "backends");
  const file = readdirSync(folder).find((name) => /^ranker-1-\w+\.json$/.test(name));
  if (file === undefined) return "none";
  return (JSON.parse(readFileSync(join(folder, file), "utf8")) as { wanted: string }).wanted;
}

const promoted = (platform: DemoPlatform, version: string) =>
  until(
    `version ${version} is promoted`,
    async () => ((await platform.rolloutOf(version))?.["state"] === "PROMOTED" ? true : undefined),
    60_000,
  );

/** Version 1 has become cold, version 2 serves; `gatewayUrl` is called meanwhile, because a canary needs traffic. */
async function coldOne(platform: DemoPlatform, api: Caller, gatewayUrl: string): Promise<void> {
  await platform.register("1", SLOW_START);
  await api.awaits("version 1 serves", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 1);
  const requests = startLiveRequests(gatewayUrl, "ranker", 60);
  await promoted(platform, "1");
  await platform.register("2");
  await promoted(platform, "2");
  await requests.stop();
}

describe("a rollback to a cold version", () => {
  test.each<Outage | "none">(["none", "fails", "silent"])(
    "warms it, then moves without a failed request, with an expected time and a held endpoint (ledger outage: %s)",
    async (outage) => {
      let ledger: Breakable<object> | undefined;
      const installation = await startTestInstallation({
        wrap: (adapters) => {
          const broken = breakable("the ledger", adapters.ledger);
          ledger = broken;
          return { ...adapters, ledger: broken.port };
        },
      });
      onTestFinished(() => installation.close());
      const { state, api, url, keys, adapters } = installation;
      const parts = { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret };
      const platform = await createDemoPlatform(parts, QUICK_STANDBY);
      await coldOne(platform, api, installation.gatewayUrl);
      await until("version 1 is cold", async () =>
        (await backendState(state.root)) === "cold" ? true : undefined,
      );
      const requests = startLiveRequests(installation.gatewayUrl, "ranker", 60);
      if (outage !== "none") ledger?.breaks(outage);
      const body = { reason: "wrong prices", from: versionName("2") };
      const { status, answer: begun } = await api.call("POST", `/v1/${ENDPOINT}:rollback`, { body });
      expect(status).toBe(202);
      expect(begun).toMatchObject({
        done: false,
        metadata: { state: "WARMING", from: versionName("2"), to: versionName("1") },
      });
      const { etaTime, createTime } = begun["metadata"] as Record<string, string>;
      // Its start took at least the time that it sleeps.
      expect(Date.parse(etaTime ?? "") - Date.parse(createTime ?? "")).toBeGreaterThanOrEqual(
        SLOW_START.startupMs,
      );
      const { answer: done } = await api.call("POST", `/v1/${String(begun["name"])}:wait`, WAIT);
      expect(done).toMatchObject({
        done: true,
        response: { to: versionName("1"), weights: { [versionName("1")]: 100 } },
      });
      const document = await adapters.traffic.read(ENDPOINT);
      expect(document?.traffic.hold).toMatchObject({ actor: "admin", reason: "wrong prices" });
      await until("version 1 answers", async () =>
        requests.answered.at(-1)?.version.endsWith("1") === true ? true : undefined,
      );
      await requests.stop();
      expect(requests.answered.filter(({ status }) => status !== 200)).toEqual([]);
      ledger?.mend();
      await api.awaits("the move is on record", `/v1/${ENDPOINT}`, ({ weights }) =>
        Object.hasOwn(weights as object, versionName("1")),
      );
    },
    TIMEOUT_MS,
  );

  test(
    "goes on after kill -9 and a new start, and says so under the same name",
    async () => {
      const state = newStateFolder();
      let current = await startInstallationProcess({ state });
      onTestFinished(async () => {
        await current.kill();
        await endLeftovers(state);
        rmSync(state, { recursive: true, force: true });
      });
      const { api, webhookSecret } = current;
      const platform = await createDemoPlatform(
        { state, api, url: () => current.url, webhookSecret },
        QUICK_STANDBY,
      );
      await coldOne(platform, api, current.gatewayUrl);
      const begun = await until(
        "a rollback that has to warm its version",
        async () => {
          // Until its standby is over the version is warm: then this would move at once, so it is looked at first.
          if ((await backendState(state)) !== "cold") return undefined;
          const body = { reason: "wrong prices", to: versionName("1"), requestId: "once" };
          const { status, answer } = await api.call("POST", `/v1/${ENDPOINT}:rollback`, { body });
          return status === 202 ? answer : undefined;
        },
        30_000,
      );
      await current.kill();
      current = await startInstallationProcess({ state });
      const name = String(begun["name"]);
      const { answer: done } = await current.api.call("POST", `/v1/${name}:wait`, WAIT);
      expect(done).toMatchObject({ name, done: true, response: { to: versionName("1") } });
      const listed = await current.api.list(`/v1/${ENDPOINT}/operations`);
      expect(listed).toMatchObject([{ name, done: true }]);
    },
    TIMEOUT_MS,
  );
});
