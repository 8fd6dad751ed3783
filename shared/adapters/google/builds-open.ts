// Opens Cloud Build and the folder that builds share with us. Their libraries are loaded here, and by no other process.
import type { Builds } from "../../ports/builds.ts";
import type { Clock } from "../../ports/clock.ts";
import { createBuildLook } from "./builds-look.ts";
import { openBuildObjects } from "./builds-objects-open.ts";
import type { CloudBuildsOptions } from "./builds.ts";
import { createCloudBuilds } from "./builds.ts";

/** Where builds share their objects with us. */
export interface LookSettings {
  /** As `gs://BUCKET/FOLDER`. */
  readonly folder: string;
  readonly clock: Clock;
}

/** Builds as who only looks sees them. Their library is loaded with the first look. */
export const openBuildLook = ({ folder, clock }: LookSettings): Pick<Builds, "status" | "logs"> =>
  createBuildLook(openBuildObjects(folder, { clock }));

/** Builds of this place. The client asks once: those who call our adapters ask again. */
export async function openCloudBuilds(
  options: Omit<CloudBuildsOptions, "client" | "objects">,
): Promise<Builds> {
  const { place, clock } = options;
  const { CloudBuildClient } = await import("./builds-library.ts");
  return createCloudBuilds({
    ...options,
    client: new CloudBuildClient({ projectId: place.project, fallback: true }),
    objects: openBuildObjects(place.folder, { clock }),
  });
}
