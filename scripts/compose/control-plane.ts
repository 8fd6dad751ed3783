// The whole control plane in one process: every service on the adapters of the embedded mode, one API port, one gateway port.
import type { AddressInfo } from "node:net";
import { createApi } from "../../services/api/app.ts";
// TEMP
import { modelVersionRegistered } from "../../services/api/models/register.ts";
import { endpointRoutes } from "../../services/api/routes/endpoints.ts";
import { resolveServing } from "../../services/api/endpoints/serving.ts";
import { rolloutRoutes } from "../../services/api/routes/rollouts.ts";
import { runRoutes } from "../../services/api/routes/runs.ts";
import { runRequested } from "../../services/api/runs/create.ts";
import { createConsole } from "../../services/console/console.ts";
import { createData } from "../../services/data/data.ts";
import { DATA_VIEWS } from "../../services/data/views.ts";
import { BUILD_LIMITS } from "../../services/provisioner/ports.ts";
import { createProvisioner } from "../../services/provisioner/provisioner.ts";
import { createRegistry } from "../../services/registry/registry.ts";
import { REGISTRY_VIEWS } from "../../services/registry/views.ts";
import { createRelay } from "../../services/relay/relay.ts";
import { createRollout } from "../../services/rollout/rollout.ts";
import { createWebhook } from "../../services/webhook/webhook.ts";
import { createIdentity } from "../../shared/runtime/identity.ts";
import { createPrincipalsReader } from "../../shared/runtime/principals-file.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createTextSigner } from "../../shared/runtime/signed-text.ts";
import { approvePlan, unblockStack } from "../../shared/runtime/stack-operations.ts";
import { withViews } from "../../shared/runtime/with-views.ts";
import type { EmbeddedAdapters } from "./adapters.ts";
import { startLoops } from "./loops.ts";
import type { Keys, StateFolder } from "./state-folder.ts";
import { readTopology, subscribed } from "./topology.ts";

/** Where a composed control plane listens. */
export interface ControlPlaneOptions {
  readonly state: StateFolder;
  readonly keys: Keys;
  readonly port: number;
  readonly gatewayPort: number;
}

/** A control plane that runs. */
export interface ControlPlane {
  readonly url: string;
  readonly gatewayUrl: string;
  close(): Promise<void>;
}

const GATEWAY_GRACE_MS = 3_000;
const DRAIN_MS = 3_000;

/** Starts everything. When it resolves, the API and the gateway answer and unfinished work has been taken up again. */
export async function startControlPlane(
  adapters: EmbeddedAdapters,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const { log, clock, bus, deploys, gateway, executions, metrics } = adapters;
  let url = "";
  const api = (): string => url;
  const ports = { ...adapters, api };

  const webhook = createWebhook(ports);
  const relay = createRelay(ports);
  const provisioner = createProvisioner({
    ...ports,
    limits: BUILD_LIMITS,
    get url() {
      return url;
    },
  });
  const registry = withViews(ports, createRegistry(ports), REGISTRY_VIEWS);
  const rollout = createRollout(ports);
  const data = withViews(ports, createData(ports), DATA_VIEWS);
  const topology = readTopology();
  for (const service of [relay, provisioner, registry, rollout, data])
    bus.subscribe(subscribed(topology, service));

  const signer = createTextSigner(Buffer.from(options.keys.pageKey, "base64url"));
  const sessions = createSessions(signer, clock);
  const identity = createIdentity({
    readPrincipals: createPrincipalsReader(options.state.path("principals.json")),
    verifyWorkflowToken: (token) => adapters.issuer.verify(token, url),
  });
  const server = createServer({ clock, log, identity, sessions, drainMs: DRAIN_MS });
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
      outsideHandlers: {
        "dev.signalbox.model-version.registered.v1": modelVersionRegistered(ports),
        "dev.signalbox.run.requested.v1": runRequested(ports),
      },
      queryLineage: async () => {
        throw new Error("temp");
      },
      routes: [endpointRoutes(ports), rolloutRoutes(ports), runRoutes(ports)],
    }),
  );
  await server.register(createConsole(ports));

  await deploys.start();
  const gatewayUrl = await gateway.listen(options.gatewayPort);
  await server.listen({ port: options.port, host: "127.0.0.1" });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  await executions.resume();
  const loops = startLoops({
    clock,
    log,
    metrics,
    webhook,
    services: [relay, provisioner, registry, rollout, data],
  });

  return {
    url,
    gatewayUrl,
    async close() {
      await loops.stop();
      await executions.close();
      await server.close();
      await adapters.pump.close();
      await relay.idle();
      await gateway.close(GATEWAY_GRACE_MS);
      await deploys.close("end");
      adapters.db.close();
    },
  };
}
