// Serving composes on Google Cloud from its settings, without asking anybody; what is missing is told at once.
import { expect, test } from "vitest";
import { GOOGLE_ROLLOUT } from "../../../scripts/compose/google-settings.ts";
import { openGoogleDeploys, openGoogleServing } from "../../../scripts/compose/open-google-serving.ts";
import { configure } from "../../../scripts/compose/world.ts";
import { EMPTY_TRAFFIC } from "../../../shared/domain/traffic.ts";
import { rememberingLog } from "../../services/door.ts";
import { ARTIFACT_SETTINGS } from "../../support/google/artifact-settings.ts";

const ENVIRONMENT: Readonly<Record<string, string>> = {
  SIGNALBOX_WORLD: "google-cloud",
  GOOGLE_CLOUD_PROJECT: "example-prod",
  SIGNALBOX_DATABASE: "signalbox",
  SIGNALBOX_FACTS_TOPIC: "signalbox-facts",
  SIGNALBOX_SUBSCRIPTION: "projects/example-prod/subscriptions/s",
  SIGNALBOX_AUDIENCES: "signalbox-rollout",
  SIGNALBOX_PUSH_ACCOUNT: "to-rollout@example-prod.iam.gserviceaccount.com",
  SIGNALBOX_PREFIX: "signalbox-prod",
  SIGNALBOX_CLUSTER: "projects/example-models/locations/us-central1/clusters/models-prod",
  SIGNALBOX_CLUSTER_ENDPOINT: "https://gke-0123456789ab-123456789012.us-central1.gke.goog",
  SIGNALBOX_GATEWAY: "signalbox-gateways/models",
  SIGNALBOX_BACKEND_PORT: "80",
  ...ARTIFACT_SETTINGS,
  SIGNALBOX_RELEASES_FOLDER: "gs://the-artifacts/releases",
  SIGNALBOX_HINTS: JSON.stringify({
    "clouddeploy-operations": "projects/p/subscriptions/o",
    "clouddeploy-resources": "projects/p/subscriptions/r",
    "clouddeploy-approvals": "projects/p/subscriptions/a",
  }),
};

const settings = (change: Readonly<Record<string, string | undefined>> = {}) => {
  const { cloud } = configure({ ...ENVIRONMENT, ...change }, "pushed", {}, GOOGLE_ROLLOUT);
  if (cloud === undefined) throw new Error("this is Google Cloud");
  return cloud;
};
const opened = (change: Readonly<Record<string, string | undefined>> = {}) => {
  const serving = openGoogleServing(settings(change), { log: rememberingLog(), workflows: ["canary"] });
  const codeHost = { tree: async () => [], blob: async () => Buffer.of() };
  const deploys = openGoogleDeploys(settings(change), { serving, codeHost, digest: async () => undefined });
  return { serving, deploys };
};

test("it composes from its settings alone", async () => {
  const { serving, deploys } = opened();
  expect(serving.cluster).toBeDefined();
  expect(Object.keys(deploys).toSorted()).toEqual(["prepare", "retire", "status", "warm"]);
  await serving.close();
});

test("Google's own clients are made with the first call, and their errors are ours", async () => {
  const { serving, deploys } = opened();
  // Nobody is signed in here, so nothing is sent.
  await expect(serving.executions.get("x")).rejects.toMatchObject({ name: "ControlPlaneError" });
  await expect(deploys.retire("ranker-1-00000000")).rejects.toMatchObject({ name: "ControlPlaneError" });
  await expect(
    serving.metrics.samples("teams/default/endpoints/ranker", "2026-01-01T00:00:00Z", "2999-01-01T00:00:00Z"),
  ).rejects.toMatchObject({ name: "ControlPlaneError" });
  await expect(serving.traffic.read("teams/default/endpoints/ranker")).rejects.toMatchObject({
    name: "ControlPlaneError",
  });
  await serving.close();
});

test("all that is missing or wrong is told in one message", () => {
  const names = Object.keys(GOOGLE_ROLLOUT);
  const without = Object.fromEntries(names.map((name) => [name, undefined]));
  const every = names.map((name) => `- ${name} is missing: `).join("[\\s\\S]*");
  expect(() => settings(without)).toThrow(new RegExp(every));
  const wrong = {
    SIGNALBOX_CLUSTER: "models",
    SIGNALBOX_CLUSTER_ENDPOINT: "http://10.0.0.1",
    SIGNALBOX_GATEWAY: "models",
    SIGNALBOX_BACKEND_PORT: "0",
    SIGNALBOX_RELEASES_FOLDER: "gs://the-artifacts",
  };
  const each = Object.keys(wrong).map((name) => `- ${name} `);
  expect(() => settings(wrong)).toThrow(new RegExp(each.join("[\\s\\S]*")));
});

test("without a cluster it composes too: nothing serves, and whoever wants to is told what to do", async () => {
  const { serving, deploys } = opened({ SIGNALBOX_CLUSTER: "none", SIGNALBOX_CLUSTER_ENDPOINT: "none" });
  expect(serving.cluster).toBeUndefined();
  expect(await serving.traffic.list()).toEqual([]);
  expect(await serving.traffic.read("teams/default/endpoints/ranker")).toBeUndefined();
  await expect(serving.traffic.write("teams/default/endpoints/ranker", EMPTY_TRAFFIC)).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    reason: "NO_CLUSTER",
  });
  expect(await serving.deploys.status("ranker-1-00000000", 100)).toMatchObject({ state: "unknown" });
  expect(await deploys.warm("ranker-1-00000000")).toBe(false);
  await serving.close();
});
