// Artifacts on Google Cloud: objects of a bucket, and builds for the digests of large ones. Loaded only there. Opening asks nobody.
import type { Static, TObject } from "typebox";
import { openCloudArtifacts } from "../../shared/adapters/google/artifacts-open.ts";
import type { DigestPlace } from "../../shared/adapters/google/builds-request.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { Artifacts } from "../../shared/ports/artifacts.ts";
import type { GOOGLE_ARTIFACTS } from "./google-settings.ts";

/** Where things are. */
export type ArtifactsSettings = Static<TObject<typeof GOOGLE_ARTIFACTS>> & { readonly project: string };

/** Where digests are computed, as the settings say it. */
export function digestPlaceOf(settings: ArtifactsSettings): DigestPlace {
  const pool = settings.SIGNALBOX_BUILD_POOL;
  return {
    project: settings.project,
    location: settings.SIGNALBOX_REGION,
    image: settings.SIGNALBOX_BUILD_IMAGE,
    folder: settings.SIGNALBOX_DIGESTS_FOLDER,
    identity: settings.SIGNALBOX_DIGEST_ACCOUNT,
    ...(pool === "default" ? {} : { workerPool: pool }),
  };
}

/** Opens them; copies of small ones lie in a folder of this process. */
export const openGoogleArtifacts = (settings: ArtifactsSettings, copies: string): Artifacts =>
  openCloudArtifacts({
    roots: [settings.SIGNALBOX_ARTIFACTS],
    copies,
    place: digestPlaceOf(settings),
    clock,
  });
