// What a service that looks at artifacts is told on Google Cloud.
import type { ArtifactsSettings } from "../../../scripts/compose/open-google-artifacts.ts";

/** Settings of an installation that is nowhere. */
export const ARTIFACT_SETTINGS = {
  SIGNALBOX_REGION: "us-central1",
  SIGNALBOX_ARTIFACTS: "gs://the-artifacts",
  SIGNALBOX_DIGESTS_FOLDER: "gs://the-digests/artifacts",
  SIGNALBOX_DIGEST_ACCOUNT: "signalbox-prod-digest@example-prod.iam.gserviceaccount.com",
  SIGNALBOX_BUILD_POOL: "default",
  SIGNALBOX_BUILD_IMAGE: `us-docker.pkg.dev/p/r/build@sha256:${"0".repeat(64)}`,
} satisfies Omit<ArtifactsSettings, "project">;
