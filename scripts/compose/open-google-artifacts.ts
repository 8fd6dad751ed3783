// Artifacts of models in Cloud Storage. Loaded only on Google Cloud.
import type { Static, TObject } from "typebox";
import { createCloudArtifacts } from "../../shared/adapters/google/artifacts.ts";
import { openRest } from "../../shared/adapters/google/rest-open.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import type { GOOGLE_ARTIFACTS } from "./google-settings.ts";

/** Where they are. */
export type ArtifactSettings = Static<TObject<typeof GOOGLE_ARTIFACTS>>;

/** Opens them, with a folder for copies. Nothing is asked yet. */
export function openGoogleArtifacts({ SIGNALBOX_BUCKETS }: ArtifactSettings, copies: string): Artifacts {
  const { artifacts = "" } = JSON.parse(SIGNALBOX_BUCKETS) as Readonly<Record<string, string>>;
  return createCloudArtifacts({
    rest: openRest(clock),
    roots: [`gs://${artifacts}`],
    copies,
    async digestOfLarge({ uri }) {
      const message = `The digest of ${uri} is being computed. It is looked at again.`;
      throw new ControlPlaneError("UNAVAILABLE", message, { reason: "DIGEST_NOT_KNOWN_YET" });
    },
  });
}
