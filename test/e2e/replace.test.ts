// A newer version takes the place of a canary that runs, with real model servers under live traffic.
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  configurationText,
  createDemoPlatform,
  type DemoPlatform,
  ENDPOINT,
  versionName,
} from "../support/demo-platform.ts";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { type LiveRequests, startLiveRequests } from "../support/live-requests.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 90_000;

let installation: TestInstallation;
let platform: DemoPlatform;
let requests: LiveRequests;

beforeAll(async () => {
  installation = await startTestInstallation({});
  const { state, api, url, keys } = installation;
  const configuration = configurationText({ minSeconds: 4 }).replace(
    "    rollout:\n",
    "    rollout:\n      onRegistered: replace\n",
  );
  platform = await createDemoPlatform(
    { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
    configuration,
  );
}, TIMEOUT_MS);

afterAll(async () => {
  await requests?.stop();
  await installation?.close();
});

const stateOf = async (version: string) => (await platform.rolloutOf(version))?.["state"];
const reaches = (version: string, state: string) =>
  until(
    `version ${version} is ${state}`,
    async () => ((await stateOf(version)) === state ? true : undefined),
    TIMEOUT_MS,
  );

test(
  "the running candidate goes to weight 0 without hold or rollback, no request fails, and the newer version is promoted",
  async () => {
    await platform.register("1");
    await installation.api.awaits("version 1 serves", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 1);
    requests = startLiveRequests(installation.gatewayUrl, "ranker", 60);
    await reaches("1", "PROMOTED");
    await platform.register("2");
    await installation.api.awaits("version 2 has traffic", `/v1/${ENDPOINT}`, ({ epoch }) => epoch === 2);
    await platform.register("3");
    await reaches("2", "ABORTED");
    await reaches("3", "PROMOTED");
    // The rollout's view and the endpoint's are two: either may show the end first.
    const endpoint = await installation.api.awaits(
      "no rollout runs",
      `/v1/${ENDPOINT}`,
      ({ running }) => running === null,
    );
    expect(endpoint).toMatchObject({ held: false, weights: { [versionName("3")]: 100 } });
    const moves = endpoint["moves"] as readonly { kind: string; to: object }[];
    expect(moves.map(({ kind }) => kind)).toEqual(["advance", "advance", "replace", "advance", "first"]);
    expect(moves[2]?.to).toEqual({ [versionName("1")]: 100 });
    expect((await platform.rolloutOf("2"))?.["reason"]).toContain(versionName("3"));
    expect(requests.answered.length).toBeGreaterThan(100);
    expect(requests.answered.filter(({ status }) => status !== 200)).toEqual([]);
  },
  TIMEOUT_MS,
);
