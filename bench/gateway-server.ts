// What the gateway bench measures: the gateway, or a bare Node proxy, in a process of its own, before one backend. SIGUSR2 makes the switches.
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createGateway } from "../shared/adapters/local/gateway.ts";
import { createTraffic } from "../shared/adapters/local/traffic.ts";
import { systemClock as clock } from "../shared/adapters/system/clock.ts";
import { backendName } from "../shared/domain/backend.ts";
import { moveTraffic, readTraffic } from "../shared/runtime/traffic.ts";

const ENDPOINT = "teams/default/endpoints/ranker";
const version = (id: number): string => `teams/default/models/ranker/versions/${id}`;
const SWITCH_PAUSE_MS = 50;
const backend = process.env["BACKEND"] ?? "";

/** Moves all traffic from one version to the other, again and again. */
async function switches(move: () => Promise<void>): Promise<void> {
  for (let done = 0; done < Number(process.env["SWITCHES"]); done += 1) {
    await move();
    await wait(SWITCH_PAUSE_MS);
  }
}

async function gateway(): Promise<string> {
  const traffic = await createTraffic({ directory: process.env["TRAFFIC"] ?? "" });
  const names = new Set([1, 2].map((id) => backendName(ENDPOINT, version(id))));
  const door = createGateway({
    traffic,
    backends: (name) => (names.has(name) ? { state: "ready", origin: backend } : { state: "unknown" }),
    clock,
  });
  const url = await door.listen(0);
  let moves = 0;
  const move = async (): Promise<void> => {
    const { epoch } = (await readTraffic(traffic, ENDPOINT)).traffic;
    const to = { [version((epoch % 2) + 1)]: 100 };
    moves += 1;
    const kind = epoch === 0 ? "first" : "advance";
    const order = { endpoint: ENDPOINT, expectedEpoch: epoch, kind, to, cause: `move-${moves}` } as const;
    await moveTraffic({ traffic, clock }, { ...order, actor: "bench", reason: "bench" });
  };
  if ((await readTraffic(traffic, ENDPOINT)).traffic.epoch === 0) await move();
  process.on("SIGUSR2", () => void switches(move));
  return `${url}/ranker`;
}

async function bareProxy(): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const server = createServer((incoming, outgoing) => {
    const { method, headers } = incoming;
    const forward = request(`${backend}${incoming.url ?? "/"}`, { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forward.on("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/ranker`;
}

process.stdout.write(
  `${JSON.stringify({ url: process.env["PROXY"] === "bare" ? await bareProxy() : await gateway() })}\n`,
);
