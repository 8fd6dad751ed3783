// The rollout service as Cloud Run starts it: on its settings alone, with nothing of Google's in reach.
import { expect, test } from "vitest";
import { GOOGLE_ROLLOUT } from "../../scripts/compose/google-settings.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startService } from "../support/service-process.ts";
import { ARTIFACT_SETTINGS } from "../support/google/artifact-settings.ts";

const START_LIMIT_MS = 60_000;

const SETTINGS: Readonly<Record<string, string>> = {
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

/** What every service is told, with a metadata server that does not answer. */
const onGoogle = (state: string): Readonly<Record<string, string>> => ({
  K_SERVICE: "rollout",
  GCE_METADATA_HOST: "127.0.0.1:9",
  METADATA_SERVER_DETECTION: "assume-present",
  SIGNALBOX_WORLD: "google-cloud",
  SIGNALBOX_STATE: state,
  SIGNALBOX_API_URL: "https://api.example.com",
  PORT: "0",
  GOOGLE_CLOUD_PROJECT: "example-prod",
  SIGNALBOX_DATABASE: "signalbox",
  SIGNALBOX_FACTS_TOPIC: "signalbox-facts",
  SIGNALBOX_SUBSCRIPTION: "projects/example-prod/subscriptions/signalbox-facts-rollout",
  SIGNALBOX_AUDIENCES: "signalbox-rollout",
  SIGNALBOX_PUSH_ACCOUNT: "to-rollout@example-prod.iam.gserviceaccount.com",
});

test(
  "it starts although nobody answers, and turns away who brings no token",
  { timeout: START_LIMIT_MS },
  async () => {
    const rollout = startService("rollout", { ...onGoogle(temporaryFolder()), ...SETTINGS });
    const { port } = new URL(await rollout.url());
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(401);
    expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  },
);

test(
  "it says in one message all that is missing, and does not start",
  { timeout: START_LIMIT_MS },
  async () => {
    const rollout = startService("rollout", onGoogle(temporaryFolder()));
    expect(await rollout.ended()).toBe(1);
    for (const name of Object.keys(GOOGLE_ROLLOUT))
      expect(rollout.output()).toContain(`- ${name} is missing: `);
    expect(Object.keys(SETTINGS).toSorted()).toEqual(Object.keys(GOOGLE_ROLLOUT).toSorted());
  },
);
