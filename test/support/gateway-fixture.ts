// A gateway on a traffic folder of its own, with backends that a test writes as functions.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach } from "vitest";
import { createGateway, type Gateway } from "../../shared/adapters/local/gateway.ts";
import type { BackendAddress } from "../../shared/adapters/local/gateway-handler.ts";
import { createTraffic, type LocalTraffic } from "../../shared/adapters/local/traffic.ts";
import { systemClock } from "../../shared/adapters/system/clock.ts";
import { backendName } from "../../shared/domain/backend.ts";
import type { MoveKind, Weights } from "../../shared/domain/traffic.ts";
import { moveTraffic, readTraffic } from "../../shared/runtime/traffic.ts";

/** The endpoint that tests call when they name no other. */
export const RANKER = "teams/default/endpoints/ranker";

/** Longest wait for a condition. */
export const DEADLINE_MS = 10_000;

/** The name of a version of the ranker model. */
export const version = (id: number | string): string => `teams/default/models/ranker/versions/${id}`;

/** Waits until the condition holds; fails, naming it, after `DEADLINE_MS`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what} did not happen within ${DEADLINE_MS} ms`);
    await wait(5);
  }
}

/** Moves traffic of an endpoint from wherever it is. */
export async function moveTo(
  traffic: LocalTraffic,
  kind: MoveKind,
  to: Weights,
  endpoint = RANKER,
): Promise<void> {
  const { epoch } = (await readTraffic(traffic, endpoint)).traffic;
  const order = {
    endpoint,
    expectedEpoch: epoch,
    kind,
    to,
    cause: `move-${epoch}`,
    actor: "test",
    reason: "test",
  };
  await moveTraffic({ traffic, clock: systemClock }, order);
}

/** What a test gets; made anew for every test. */
export interface GatewayFixture {
  directory: string;
  traffic: LocalTraffic;
  gateway: Gateway;
  url: string;
  addresses: Map<string, BackendAddress>;
  /** Another gateway on the same traffic and backends. */
  another(): Gateway;
  /** Starts a backend for a version. */
  backend(
    version: string,
    listener: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<Server>;
  move(kind: MoveKind, to: Weights, endpoint?: string): Promise<void>;
  /** The value of a series of this version in the gateway's Prometheus text; NaN when there is none. */
  metric(name: string, version: string): number;
  inFlight(version: string): number;
}

/** Sets up and tears down a gateway around every test of the file. */
export function useGateway(): GatewayFixture {
  const servers: Server[] = [];
  const fixture = {
    another: () =>
      createGateway({
        traffic: fixture.traffic,
        backends: (name) => fixture.addresses.get(name) ?? { state: "unknown" },
        clock: systemClock,
      }),
    async backend(modelVersion, listener) {
      const server = createServer(listener);
      servers.push(server);
      await new Promise<void>((resolve) => {
        server.listen(0, "127.0.0.1", () => resolve());
      });
      const { port } = server.address() as AddressInfo;
      const address: BackendAddress = { state: "ready", origin: `http://127.0.0.1:${port}` };
      fixture.addresses.set(backendName(RANKER, modelVersion), address);
      return server;
    },
    move: (kind, to, endpoint) => moveTo(fixture.traffic, kind, to, endpoint),
    metric(name, modelVersion) {
      const line = fixture.gateway
        .metrics()
        .split("\n")
        .find(
          (text) =>
            text.startsWith(`signalbox_gateway_${name}{`) && text.includes(`version="${modelVersion}"`),
        );
      return line === undefined ? Number.NaN : Number(line.split(" ").at(-1));
    },
    inFlight: (modelVersion) => fixture.gateway.inFlight(backendName(RANKER, modelVersion)),
  } as GatewayFixture;

  beforeEach(async () => {
    fixture.directory = await mkdtemp(join(tmpdir(), "signalbox-gateway-"));
    fixture.traffic = await createTraffic({ directory: fixture.directory });
    fixture.addresses = new Map();
    fixture.gateway = fixture.another();
    fixture.url = await fixture.gateway.listen(0);
  });
  afterEach(async () => {
    await fixture.gateway.close(0);
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    await rm(fixture.directory, { recursive: true, force: true });
  });
  return fixture;
}
