// Opens Cloud Build and the bucket that builds share with us. Their libraries are loaded here, and by no other process.
import type { BuildObjects } from "../../ports/build-objects.ts";
import type { Builds } from "../../ports/builds.ts";
import type { Clock } from "../../ports/clock.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { createBuildLook } from "./builds-look.ts";
import { createCloudBuildObjects } from "./builds-objects.ts";
import type { CloudBuildsOptions } from "./builds.ts";
import { createCloudBuilds } from "./builds.ts";

/** Where builds share their objects with us. */
export interface LookSettings {
  /** As `gs://BUCKET/FOLDER`. */
  readonly folder: string;
  readonly project: string;
  readonly clock: Clock;
}

async function openObjects({ folder, project, clock }: LookSettings): Promise<BuildObjects> {
  const { Storage } = await import("./builds-library.ts");
  const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(folder) ?? [];
  const storage = new Storage({ projectId: project, retryOptions: { autoRetry: false, maxRetries: 0 } });
  return createCloudBuildObjects({ bucket: storage.bucket(bucket), prefix, clock });
}

/** Builds as who only looks sees them. Their library is loaded with the first look. */
export function openBuildLook(settings: LookSettings): Pick<Builds, "status" | "logs"> {
  const opened = openedOnce(async () => createBuildLook(await openObjects(settings)));
  return {
    status: async (id) => (await opened()).status(id),
    logs: async (id, offset) => (await opened()).logs(id, offset),
  };
}

/** Builds of this place. The clients ask once: those who call our adapters ask again. */
export async function openCloudBuilds(
  options: Omit<CloudBuildsOptions, "client" | "objects">,
): Promise<Builds> {
  const { place, clock } = options;
  const { CloudBuildClient } = await import("./builds-library.ts");
  return createCloudBuilds({
    ...options,
    client: new CloudBuildClient({ projectId: place.project, fallback: true }),
    objects: await openObjects({ folder: place.folder, project: place.project, clock }),
  });
}
