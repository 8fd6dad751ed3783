// The data service as Cloud Run starts it: it starts the workflow of a run on Cloud Workflows, and keeps its view.
import { describe, expect, test } from "vitest";
import { PROJECT } from "../support/google/google-front.ts";
import { RUNS_SETTINGS } from "../support/google/runs-settings.ts";
import { EMULATORS_MISSING, EMULATORS_NOTE, startOnGoogle } from "../support/google/service-on-google.ts";
import { startWorkflows } from "../support/google/workflows-site.ts";
import { startService } from "../support/service-process.ts";

const TIMEOUT_MS = 240_000;
const RUN = "teams/default/runs/catalogue";
const API = "https://signalbox-prod-api-programs.example";
const SETTINGS = {
  ...RUNS_SETTINGS,
  SIGNALBOX_PREFIX: "signalbox-prod",
  SIGNALBOX_REGION: PROJECT.region,
  SIGNALBOX_API_URL: API,
};
describe.skipIf(EMULATORS_MISSING)(`${EMULATORS_NOTE}the data service on Google Cloud`, () => {
  test("starts the workflow of a run, and shows the run", { timeout: TIMEOUT_MS }, async () => {
    const workflows = await startWorkflows("signalbox-prod-data-run");
    const { running, told, views } = await startOnGoogle("data", SETTINGS, {
      "workflowexecutions.googleapis.com": workflows,
    });
    const request = {
      entrypoint: "python catalogue.py",
      runtimeEnvironment: {},
      inputs: [],
      outputUri: "gs://acme-artifacts/catalogue",
      timeLimitSeconds: 3_600,
    };
    expect(await told(RUN, { type: "run.requested", data: request })).toBe(204);
    const created = workflows.requests.filter((line) => line.startsWith("POST"));
    expect(created).toEqual([
      `POST /v1/projects/${PROJECT.id}/locations/${PROJECT.region}/workflows/signalbox-prod-data-run/executions`,
    ]);
    expect(await views.get("runs", RUN)).toMatchObject({ state: "REQUESTED" });
    expect(await running.stop()).toBe(0);
    expect(running.output()).not.toMatch(/ya29|eyJ/);
  });
});

test(
  "all that is missing is told in one message",
  async () => {
    const running = startService("data", { SIGNALBOX_WORLD: "google-cloud" });
    expect(await running.ended()).toBe(1);
    for (const name of ["SIGNALBOX_STATE", "SIGNALBOX_DATABASE", ...Object.keys(SETTINGS)])
      expect(running.output()).toContain(`${name} is missing`);
  },
  TIMEOUT_MS,
);
