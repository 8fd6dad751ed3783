// Opens Cloud Deploy and the folder of its releases as the identity of this process. Their libraries are loaded with the first call.
import type { Deploys } from "../../ports/deploys.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { createCloudBuildObjects } from "./builds-objects.ts";
import { type CloudDeploysOptions, createCloudDeploys } from "./deploys.ts";

type OpenOptions = Omit<CloudDeploysOptions, "client" | "objects">;

/** The clients ask once: those who call our adapters ask again. */
async function open(options: OpenOptions): Promise<Deploys> {
  const { place, folder, clock } = options;
  const { CloudDeployClient } = await import("@google-cloud/deploy");
  const { Storage } = await import("@google-cloud/storage");
  const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(folder) ?? [];
  const storage = new Storage({
    projectId: place.project,
    retryOptions: { autoRetry: false, maxRetries: 0 },
  });
  return createCloudDeploys({
    ...options,
    client: new CloudDeployClient({ projectId: place.project, fallback: true }),
    objects: createCloudBuildObjects({ bucket: storage.bucket(bucket), prefix, clock }),
  });
}

/** Backends of this place. */
export function openCloudDeploys(options: OpenOptions): Deploys {
  const opened = openedOnce(() => open(options));
  return {
    prepare: async (request) => (await opened()).prepare(request),
    status: async (backend, timeoutMs) => (await opened()).status(backend, timeoutMs),
    retire: async (backend) => (await opened()).retire(backend),
    warm: async (backend) => (await opened()).warm(backend),
  };
}
