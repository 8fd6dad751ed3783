// The API with the routes of every resource, over stores that hold nothing.
import { onTestFinished } from "vitest";
import { createCluster } from "../../shared/adapters/local/cluster.ts";
import { createNotifications } from "../../shared/adapters/local/notifications.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { notificationRoutes } from "../../services/api/routes/notifications.ts";
import { metricsRoutes } from "../../services/api/routes/metrics.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { checkRoutes } from "../../services/api/routes/checks.ts";
import { workflowExecutionRoutes } from "../../services/api/routes/workflow-executions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { createFigures } from "../../shared/adapters/local/figures.ts";
import { watchProcess } from "../../shared/runtime/process-figures.ts";
import type { WorkflowExecutions } from "../../shared/ports/workflow-executions.ts";
import { createWorld } from "../support/world.ts";
import { apiDoor, type SeenRoute } from "./api-door.ts";

const NO_WORKFLOWS: WorkflowExecutions = {
  workflow: async () => undefined,
  create: () => Promise.reject(new Error("no workflow")),
  get: async () => undefined,
  list: async () => [],
  cancel: async () => {},
  currentSteps: () => [],
  callbacks: () => [],
  deliver: async () => 404,
};

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
  const signer = createTextSigner(Buffer.alloc(32, 9));
  return apiDoor({
    routes: [
      endpointRoutes(ports),
      rolloutRoutes(ports),
      runRoutes(ports),
      notificationRoutes({
        ...ports,
        signer,
        notifications: createNotifications(world.db),
        secrets: { get: () => Promise.reject(new Error("no secret")) },
        outgoing: { post: () => Promise.reject(new Error("nobody is told anything")) },
        readNotificationChannel: async () => undefined,
      }),
      metricsRoutes(ports),
      checkRoutes({ checks: { list: async () => [] } }),
      workflowExecutionRoutes({
        ...ports,
        signer,
        workflows: NO_WORKFLOWS,
      }),
    ],
  });
}

/** A path that the route matches, with `known` for every parameter. */
export const pathOf = ({ url }: SeenRoute): string =>
  url
    .replaceAll("::", "@")
    .replaceAll(/:\w+(\([^)]*\))?/g, "known")
    .replaceAll("@", ":");
