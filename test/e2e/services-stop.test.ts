// Services that are asked to stop: at the very moment at which the port opens, because an instance that is there for one request may be
// taken away with it, and while a request is on its way.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openKeys, openStateFolder } from "../../scripts/compose/state-folder.ts";
import { readTopology } from "../../scripts/compose/topology.ts";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { deliveryHeaders, pullRequestBody, sign } from "../services/github-delivery.ts";
import { factFrom, planStarted } from "../support/facts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startService } from "../support/service-process.ts";
import { ROOT } from "../support/source-files.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 60_000;
const PRELOAD = join(ROOT, "test", "support", "asked-at-listening-preload.ts");
const TOKEN = "a push token of a test, long enough to be one";

/** The relay has a port only where a schedule calls it; nobody answers for these emulators, and it starts all the same. */
const RELAY = {
  SIGNALBOX_WORLD: "google-cloud",
  GOOGLE_CLOUD_PROJECT: "p",
  SIGNALBOX_DATABASE: "signalbox",
  SIGNALBOX_FACTS_TOPIC: "facts",
  FIRESTORE_EMULATOR_HOST: "127.0.0.1:1",
  PUBSUB_EMULATOR_HOST: "127.0.0.1:1",
  METADATA_SERVER_DETECTION: "none",
};

/** A state folder as a first start leaves it, and what a service is started with on it. */
async function folder() {
  const state = await openStateFolder(temporaryFolder());
  const keys = await openKeys(state);
  const environment = {
    SIGNALBOX_STATE: state.root,
    SIGNALBOX_PUSH_TOKEN: TOKEN,
    SIGNALBOX_API_URL: "http://127.0.0.1:9",
    SIGNALBOX_GATEWAY_PORT: "0",
    PORT: "0",
  };
  return { keys, environment };
}

for (const service of Object.keys(readTopology())) {
  const lacks = service === "provisioner" && TERRAFORM_MISSING;
  test.skipIf(lacks)(
    `${lacks ? TERRAFORM_NOTE : ""}the ${service} service listens to that before anybody can reach it, and stops in order`,
    { timeout: TIMEOUT_MS },
    async () => {
      const { environment } = await folder();
      const running = startService(service, {
        ...environment,
        NODE_OPTIONS: `--import=${PRELOAD}`,
        ...(service === "relay" ? RELAY : {}),
      });
      expect(await running.ended(), running.output()).toBe(0);
      expect(running.output()).toContain(`"${service} stopped"`);
    },
  );
}

test.each([
  { service: "webhook", path: "/webhooks/github", status: 202 },
  { service: "registry", path: "/", status: 204 },
])(
  "the $service service answers the request that it was reading, and takes no other",
  { timeout: TIMEOUT_MS },
  async ({ service, path, status }) => {
    const { keys, environment } = await folder();
    const running = startService(service, environment);
    const url = await running.url();
    const delivery = JSON.stringify(pullRequestBody());
    const { host: _, ...unsigned } = deliveryHeaders("pull_request", delivery);
    const signed = { ...unsigned, "x-hub-signature-256": sign(delivery, keys.webhookSecret) };
    const pushed = { "content-type": "application/json", authorization: `Bearer ${TOKEN}` };
    const [headers, body] =
      service === "webhook"
        ? [signed, delivery]
        : [pushed, pushBody(factFrom(planStarted("b")), "local/test")];
    const asked = request(new URL(path, url), {
      method: "POST",
      headers: { ...headers, "content-length": Buffer.byteLength(body), connection: "keep-alive" },
    });
    const answered = once(asked, "response");
    asked.write(body.slice(0, 20));
    // Another request comes and goes, so that the first one has arrived.
    expect((await fetch(new URL("livez", url))).status).toBe(200);
    const stopped = running.stop();
    await until("the port to be closed", () =>
      fetch(url).then(
        () => undefined,
        () => true,
      ),
    );
    asked.end(body.slice(20));
    const [answer] = (await answered) as [IncomingMessage];
    answer.resume();
    expect([answer.statusCode, answer.headers.connection]).toEqual([status, "close"]);
    expect(await stopped).toBe(0);
    expect(running.output()).toContain(`"${service} stopped"`);
  },
);
