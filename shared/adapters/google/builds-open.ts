// Opens Cloud Build and the bucket that builds share with us. Their libraries are loaded here, and by no other process.
import type { Builds } from "../../ports/builds.ts";
import { createCloudBuildObjects } from "./builds-objects.ts";
import type { CloudBuildsOptions } from "./builds.ts";
import { createCloudBuilds } from "./builds.ts";

/** Builds of this place. The clients ask once: those who call our adapters ask again. */
export async function openCloudBuilds(
  options: Omit<CloudBuildsOptions, "client" | "objects">,
): Promise<Builds> {
  const { place, clock } = options;
  const { CloudBuildClient, Storage } = await import("./builds-library.ts");
  const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(place.folder) ?? [];
  const storage = new Storage({
    projectId: place.project,
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  return createCloudBuilds({
    ...options,
    client: new CloudBuildClient({ projectId: place.project, fallback: true }),
    objects: createCloudBuildObjects({ bucket: storage.bucket(bucket), prefix, clock }),
  });
}
