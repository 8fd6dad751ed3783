// Settings of a rollout service on Google Cloud, as Terraform would set them.
import type { DeploysSettings } from "../../../scripts/compose/open-google-serving.ts";
import { ARTIFACT_SETTINGS } from "./artifact-settings.ts";

/** Where Cloud Deploy's fake has its pipeline, by these settings. */
export const PIPELINE = "projects/p/locations/europe-west1/deliveryPipelines/signalbox-test-backends";

/** The settings. */
export const SERVING_SETTINGS: DeploysSettings = {
  ...ARTIFACT_SETTINGS,
  project: "p",
  SIGNALBOX_PREFIX: "signalbox-test",
  SIGNALBOX_REGION: "europe-west1",
  SIGNALBOX_CLUSTER: "projects/p/locations/europe-west1/clusters/models",
  SIGNALBOX_CLUSTER_ENDPOINT: "https://gke-0.europe-west1.gke.goog",
  SIGNALBOX_GATEWAY: "signalbox-gateways/models",
  SIGNALBOX_BACKEND_PORT: 80,
  SIGNALBOX_HINTS: JSON.stringify({ "clouddeploy-operations": "projects/p/subscriptions/h" }),
  SIGNALBOX_RELEASES_FOLDER: "gs://deploys/releases",
};
