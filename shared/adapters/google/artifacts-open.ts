// Opens the artifacts of an installation as the identity of this process. Cloud Build's library is loaded with the first large artifact.
import type { Artifacts } from "../../ports/artifacts.ts";
import type { Clock } from "../../ports/clock.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { createArtifactDigests } from "./artifact-digests.ts";
import { type CloudArtifactsOptions, createCloudArtifacts } from "./artifacts.ts";
import { openBuildObjects } from "./builds-objects-open.ts";
import type { DigestPlace } from "./builds-request.ts";
import { openRest } from "./rest-open.ts";
import { signedIn } from "./signed-in.ts";

/** Artifacts below these roots; digests of large ones come from builds of this place. */
export function openCloudArtifacts(
  options: Pick<CloudArtifactsOptions, "roots" | "copies"> & {
    readonly place: DigestPlace;
    readonly clock: Clock;
  },
): Artifacts {
  const { place, clock, ...rest } = options;
  const digests = openedOnce(async () => {
    const { CloudBuildClient } = await import("./builds-library.ts");
    const client = await signedIn(new CloudBuildClient({ projectId: place.project, fallback: true }));
    return createArtifactDigests({
      client,
      place,
      clock,
      objects: openBuildObjects(place.folder, { clock }),
    });
  });
  return createCloudArtifacts({
    ...rest,
    rest: openRest(clock),
    digestOfLarge: async (listing) => (await digests())(listing),
  });
}
