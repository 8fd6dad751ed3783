// What a service that has to do with runs is told on Google Cloud.
import type { RunsSettings } from "../../../scripts/compose/open-google-runs.ts";

/** Settings of an installation that is nowhere, with a queue. */
export const RUNS_SETTINGS = {
  SIGNALBOX_CLUSTER: "projects/acme/locations/us-central1/clusters/models",
  SIGNALBOX_CLUSTER_ENDPOINT: "https://gke-0123.us-central1.gke.goog",
  SIGNALBOX_RUNS_NAMESPACE: "signalbox-runs",
  SIGNALBOX_RUNS_QUEUE: "runs",
  SIGNALBOX_RAY_CLUSTER: JSON.stringify({
    rayVersion: "2.60.0",
    headGroupSpec: {
      rayStartParams: {},
      template: { spec: { containers: [{ name: "ray", image: "rayproject/ray:2.60.0" }] } },
    },
  }),
} satisfies RunsSettings;
