// What the rollback bench measures: a whole control plane whose endpoint serves two versions. A call to its second address puts
// both back to half of the traffic, as before the next rollback; `/settle` waits until all that has set off is done.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { stopRequested } from "../scripts/compose/stop.ts";
import { recordTraffic } from "../shared/runtime/record-traffic.ts";
import { moveTraffic, readTraffic, resumeEndpoint } from "../shared/runtime/traffic.ts";
import {
  configurationText,
  createDemoPlatform,
  ENDPOINT,
  versionName,
} from "../test/support/demo-platform.ts";
import { startTestInstallation } from "../test/support/installation.ts";
import { startLiveRequests } from "../test/support/live-requests.ts";
import { until } from "../test/support/until.ts";

const SETUP_REQUESTS_PER_SECOND = 100;
const SETUP_MS = 120_000;
/** By then every delivery is due. */
const NEVER = "9999-12-31T23:59:59.999Z";
const stop = stopRequested();

const installation = await startTestInstallation();
const { state, api, url, keys, gatewayUrl, adapters } = installation;
const platform = await createDemoPlatform(
  { state: state.root, api, url: () => url, webhookSecret: keys.webhookSecret },
  // Long steps: the second version stays at half of the traffic.
  configurationText({ minSeconds: 1_500 }),
);
const requests = startLiveRequests(gatewayUrl, "ranker", SETUP_REQUESTS_PER_SECOND);
await platform.register("1");
const stateOf = async (version: string) => (await platform.rolloutOf(version))?.["state"];
await until(
  "the first version is promoted",
  async () => (await stateOf("1")) === "PROMOTED" || undefined,
  SETUP_MS,
);
await platform.register("2");
const isSplit = async () => (await readTraffic(adapters.traffic, ENDPOINT)).weights;
await until(
  "both versions serve",
  async () => Object.keys(await isSplit()).length === 2 || undefined,
  SETUP_MS,
);
await requests.stop();

let splits = 0;
const split = async (): Promise<void> => {
  const { traffic } = await readTraffic(adapters.traffic, ENDPOINT);
  splits += 1;
  const cause = `bench/split-${splits}`;
  if (traffic.hold !== null) await resumeEndpoint(adapters, ENDPOINT);
  await moveTraffic(adapters, {
    endpoint: ENDPOINT,
    expectedEpoch: traffic.epoch,
    kind: "advance",
    to: { [versionName("1")]: 50, [versionName("2")]: 50 },
    cause,
    actor: "bench",
    reason: "bench",
  });
};
/** Waits until every move is recorded and every fact has been delivered. */
async function settle(): Promise<void> {
  await recordTraffic(adapters, ENDPOINT);
  const isDelivered = async () => (await adapters.outbox.pending(NEVER, 1)).length === 0 || undefined;
  await until("all is delivered", isDelivered, SETUP_MS);
}
const control = createServer(({ url: path }, response) => {
  (path === "/settle" ? settle() : split()).then(
    () => response.writeHead(204).end(),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
await new Promise<void>((listening) => control.listen(0, "127.0.0.1", listening));
process.stdout.write(
  `${JSON.stringify({ url, gatewayUrl, control: `http://127.0.0.1:${(control.address() as AddressInfo).port}`, token: installation.tokens.get("grace") })}\n`,
);
await stop;
control.close();
await installation.close();
