// The one HTTP server of the embedded mode: webhook, API and page, with one identity.
import { createApi } from "../../services/api/app.ts";
import { resolveServing } from "../../services/api/endpoints/serving.ts";
import { queryLineage } from "../../services/api/lineage/query.ts";
import { modelVersionRegistered } from "../../services/api/models/register.ts";
import { checkRoutes } from "../../services/api/routes/checks.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { metricsRoutes } from "../../services/api/routes/metrics.ts";
import { notificationRoutes } from "../../services/api/routes/notifications.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { workflowExecutionRoutes } from "../../services/api/routes/workflow-executions.ts";
import { runRequested } from "../../services/api/runs/create.ts";
import { createConsole } from "../../services/console/console.ts";
import { createWebhook } from "../../services/webhook/webhook.ts";
import { createGrants } from "../../shared/adapters/local/grants.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { watchProcess } from "../../shared/runtime/process-figures.ts";
import { countRequests } from "../../shared/runtime/request-counts.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { approvePlan, unblockStack } from "../../shared/runtime/stack-operations.ts";
import type { EmbeddedAdapters } from "./adapters.ts";
import { WORKFLOW_API } from "./open-workflows.ts";
import type { Keys, StateFolder } from "./state-folder.ts";

/** How long a stopping API waits for answers under way. */
const DRAIN_MS = 3_000;

/** Makes the server; the caller listens. */
export async function createDoor(
  adapters: EmbeddedAdapters,
  { state, keys }: { readonly state: StateFolder; readonly keys: Keys },
  api: () => string,
) {
  const { clock, log } = adapters;
  const ports = { ...adapters, api };
  const signer = createTextSigner(Buffer.from(keys.pageKey, "base64url"));
  const sessions = createSessions(createGrants(state.path("sessions")), clock);
  const identity = createIdentity({
    readPrincipals: createPrincipalsReader(state.path("principals.json")),
    verifyWorkflowToken: (token) => adapters.issuer.verify(token, WORKFLOW_API),
  });
  const { tls } = adapters.listening;
  const webhook = createWebhook(ports);
  const server = createServer({
    clock,
    log,
    identity,
    sessions,
    drainMs: DRAIN_MS,
    hosts: adapters.listening.names,
    ...(tls === undefined ? {} : { tls }),
  });
  const metrics = { ...ports, requestCounts: countRequests(server), processFigures: watchProcess(clock) };
  await server.register(webhook.routes);
  await server.register(
    createApi({
      ...ports,
      sessions,
      signer,
      stackOperations: {
        approvePlan: (request, caller) => approvePlan(ports, request, caller),
        unblockStack: (request, caller) => unblockStack(ports, request, caller),
      },
      outsideHandlers: (over) => ({
        "dev.signalbox.model-version.registered.v1": modelVersionRegistered(over),
        "dev.signalbox.run.requested.v1": runRequested({ ...ports, ...over }),
      }),
      queryLineage: (question) =>
        queryLineage(
          { ...ports, resolveServing: (endpoint, at) => resolveServing(ports, endpoint, at) },
          question,
        ),
      routes: [
        checkRoutes(ports),
        endpointRoutes(ports),
        rolloutRoutes(ports),
        runRoutes(ports),
        workflowExecutionRoutes({ ...ports, signer, workflows: adapters.executions.api }),
        notificationRoutes({ ...ports, signer }),
        metricsRoutes(metrics),
      ],
    }),
  );
  await server.register(createConsole({ ...ports, sessions }));
  return { server, webhook };
}
