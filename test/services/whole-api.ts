// The API with the routes of every resource, over stores that hold nothing.
import { onTestFinished } from "vitest";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { metricsRoutes } from "../../services/api/routes/metrics.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { createFigures } from "../../shared/adapters/local/figures.ts";
import { watchProcess } from "../../shared/runtime/process-figures.ts";
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
    figures: createFigures(world.db),
    requestCounts: () => [],
    processFigures: watchProcess(world.clock),
    artifacts: { digest: async () => `sha256:${"0".repeat(64)}`, path: async () => "/nowhere" },
  };
  return apiDoor({
    routes: [endpointRoutes(ports), rolloutRoutes(ports), runRoutes(ports), metricsRoutes(ports)],
  });
}

/** A path that the route matches, with `known` for every parameter. */
export const pathOf = ({ url }: SeenRoute): string =>
  url
    .replaceAll("::", "@")
    .replaceAll(/:\w+(\([^)]*\))?/g, "known")
    .replaceAll("@", ":");
