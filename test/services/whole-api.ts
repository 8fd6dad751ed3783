// The API with the routes of every resource, over stores that hold nothing.
import { onTestFinished } from "vitest";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { createWorld } from "../support/world.ts";
import { apiDoor, type SeenRoute } from "./api-door.ts";

/** The whole API. */
export async function wholeApi() {
  const world = createWorld({});
  onTestFinished(() => world.close());
  const ports = {
    ...world,
    traffic: {
      read: async () => undefined,
      write: async () => ({ kind: "conflict" as const }),
      list: async () => [],
    },
    deploys: { status: async () => ({ state: "unknown" as const, message: "", since: "" }) },
    metrics: { samples: async () => [] },
    cluster: createCluster({ address: undefined }),
    artifacts: { digest: async () => `sha256:${"0".repeat(64)}`, path: async () => "/nowhere" },
  };
  return apiDoor({ routes: [endpointRoutes(ports), rolloutRoutes(ports), runRoutes(ports)] });
}

/** A path that the route matches, with `known` for every parameter. */
export const pathOf = ({ url }: SeenRoute): string =>
  url
    .replaceAll("::", "@")
    .replaceAll(/:\w+(\([^)]*\))?/g, "known")
    .replaceAll("@", ":");
