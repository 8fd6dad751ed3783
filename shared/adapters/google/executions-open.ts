// Opens Cloud Workflows as the identity of this process. Its library is loaded with the first call, because the API must start quickly.
import type { Executions } from "../../ports/executions.ts";
import { openedOnce } from "../../runtime/opened-once.ts";
import { type CloudExecutionsOptions, createCloudExecutions } from "./executions.ts";

/** Executions of this place. */
export function openCloudExecutions(options: Omit<CloudExecutionsOptions, "client">): Executions {
  const opened = openedOnce(async () => {
    const { default: workflows } = await import("@google-cloud/workflows");
    const client = new workflows.ExecutionsClient({ projectId: options.project, fallback: true });
    return createCloudExecutions({ ...options, client });
  });
  return {
    start: async (request) => (await opened()).start(request),
    get: async (id) => (await opened()).get(id),
    cancel: async (id) => (await opened()).cancel(id),
    find: async (cause) => (await opened()).find(cause),
  };
}
