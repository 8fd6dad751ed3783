// Opens Cloud Workflows as the identity of this process. Its library is loaded with the first call, because the API must start quickly.
import type { Executions } from "../../ports/executions.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { type CloudExecutionsOptions, createCloudExecutions } from "./executions.ts";
import { signedIn } from "./signed-in.ts";

type Client = CloudExecutionsOptions["client"];

async function openClient(projectId: string): Promise<Client> {
  const { ExecutionsClient } = await import("./executions-library.ts");
  return signedIn(new ExecutionsClient({ projectId, fallback: true }));
}

/** Executions of this place, with this client or Google's own. */
export function openCloudExecutions({
  client,
  ...options
}: Omit<CloudExecutionsOptions, "client"> & { readonly client?: Client | undefined }): Executions {
  const opened = openedOnce(async () =>
    createCloudExecutions({ ...options, client: client ?? (await openClient(options.project)) }),
  );
  return {
    start: async (request) => (await opened()).start(request),
    get: async (id) => (await opened()).get(id),
    cancel: async (id) => (await opened()).cancel(id),
    find: async (cause) => (await opened()).find(cause),
  };
}
