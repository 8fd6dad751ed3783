// The whole control plane in one process: every service on the adapters of the embedded mode, one API port, one gateway port.
import type { AddressInfo } from "node:net";
import type { BuildLimits } from "../../services/provisioner/ports.ts";
import { repeat } from "../../shared/runtime/repeat.ts";
import { TLS_LOOK_EVERY_MS } from "../../shared/runtime/tls.ts";
import type { EmbeddedAdapters } from "./adapters.ts";
import { createDoor } from "./door.ts";
import { startLoops } from "./loops.ts";
import { createFactServices } from "./services.ts";
import type { Keys, StateFolder } from "./state-folder.ts";
import { readTopology, subscribed } from "./topology.ts";

/** Where a composed control plane listens. */
export interface ControlPlaneOptions {
  readonly state: StateFolder;
  readonly keys: Keys;
  readonly port: number;
  readonly gatewayPort: number;
  /** How long builds may take, if not as long as by default. */
  readonly buildLimits?: BuildLimits;
}

/** A control plane that runs. */
export interface ControlPlane {
  readonly url: string;
  readonly gatewayUrl: string;
  close(): Promise<void>;
}

/** How long a stopping gateway waits for answers under way. */
const GATEWAY_GRACE_MS = 3_000;

/** Listens, and answers where programs on this machine reach it. */
async function listenGateway({ gateway, listening }: EmbeddedAdapters, port: number): Promise<string> {
  const url = await gateway.listen(port, listening.host);
  return listening.localUrl(Number(new URL(url).port));
}

/** Starts everything. When it resolves, the API and the gateway answer and unfinished work has been taken up again. */
export async function startControlPlane(
  adapters: EmbeddedAdapters,
  options: ControlPlaneOptions,
): Promise<ControlPlane> {
  const { log, clock, bus, deploys, gateway, executions, metrics, listening } = adapters;
  let url = "";
  // Ports are known late: whoever needs the API's address asks for it when it is needed.
  const api = (): string => url;
  const services = createFactServices(adapters, api, options.buildLimits);
  const topology = readTopology();
  for (const service of services.all) bus.subscribe(subscribed(topology, service));
  const door = await createDoor(adapters, options, api);

  await deploys.start();
  const gatewayUrl = await listenGateway(adapters, options.gatewayPort);
  await door.server.listen({ port: options.port, host: listening.host });
  url = listening.localUrl((door.server.server.address() as AddressInfo).port);
  adapters.apiAnswersAt(url);
  await executions.resume();
  const { all, warmUps } = services;
  const loops = startLoops({ clock, log, metrics, webhook: door.webhook, services: all, warmUps });

  const certificates =
    listening.tls === undefined
      ? undefined
      : repeat({ clock, log }, "tls", TLS_LOOK_EVERY_MS, listening.tls.look);

  return {
    url,
    gatewayUrl,
    async close() {
      await certificates?.stop();
      await loops.stop();
      await executions.close();
      await door.server.close();
      await adapters.pump.close();
      await services.relay.idle();
      await services.notifier.close();
      await gateway.close(GATEWAY_GRACE_MS);
      await deploys.close("end");
      adapters.db.close();
    },
  };
}
