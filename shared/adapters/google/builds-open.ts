// Opens Cloud Build and the folder that builds share with us. Their libraries are loaded here, and by no other process.
import type { Builds } from "../../ports/builds.ts";
import type { Clock } from "../../ports/clock.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { createBuildLook } from "./builds-look.ts";
import { openBuildObjects } from "./builds-objects-open.ts";
import type { CloudBuildsOptions } from "./builds.ts";
import { createCloudBuilds } from "./builds.ts";
import { signedIn } from "./signed-in.ts";

/** Where builds share their objects with us. */
export interface LookSettings {
  /** As `gs://BUCKET/FOLDER`. */
  readonly folder: string;
  readonly clock: Clock;
}

/** Builds as who only looks sees them. Their library is loaded with the first look. */
export const openBuildLook = ({ folder, clock }: LookSettings): Pick<Builds, "status" | "logs"> =>
  createBuildLook(openBuildObjects(folder, { clock }));

/** Builds of this place; their library is loaded with the first call. The client asks once: those who call our adapters ask again. */
export function openCloudBuilds(options: Omit<CloudBuildsOptions, "client" | "objects">): Builds {
  const { place, clock } = options;
  const opened = openedOnce(async () => {
    const { CloudBuildClient } = await import("./builds-library.ts");
    const client = await signedIn(new CloudBuildClient({ projectId: place.project, fallback: true }));
    return createCloudBuilds({ ...options, client, objects: openBuildObjects(place.folder, { clock }) });
  });
  return {
    start: async (id, spec) => (await opened()).start(id, spec),
    status: async (id) => (await opened()).status(id),
    logs: async (id, offset) => (await opened()).logs(id, offset),
    cancel: async (id) => (await opened()).cancel(id),
  };
}
