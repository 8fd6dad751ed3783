// Opens Cloud Deploy and the folder of its releases as the identity of this process. Their libraries are loaded with the first call.
import type { Deploys } from "../../ports/deploys.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { openBuildObjects } from "./builds-objects-open.ts";
import { type CloudDeploysOptions, createCloudDeploys } from "./deploys.ts";
import { signedIn } from "./signed-in.ts";

/** What speaks to Cloud Deploy and to the folder of its releases. */
export type CloudDeploysClients = Pick<CloudDeploysOptions, "client" | "objects">;

type Options = Omit<CloudDeploysOptions, keyof CloudDeploysClients>;

/** They ask once: those who call our adapters ask again. */
async function openClients({ place, folder, clock }: Options): Promise<CloudDeploysClients> {
  const { CloudDeployClient } = await import("./deploys-library.ts");
  return {
    client: await signedIn(new CloudDeployClient({ projectId: place.project, fallback: true })),
    objects: openBuildObjects(folder, { clock }),
  };
}

/** Backends of this place, with these clients or Google's own. */
export function openCloudDeploys(options: Options, clients?: CloudDeploysClients): Deploys {
  const opened = openedOnce(async () =>
    createCloudDeploys({ ...options, ...(clients ?? (await openClients(options))) }),
  );
  return {
    prepare: async (request) => (await opened()).prepare(request),
    status: async (backend, timeoutMs) => (await opened()).status(backend, timeoutMs),
    retire: async (backend) => (await opened()).retire(backend),
    warm: async (backend) => (await opened()).warm(backend),
  };
}
