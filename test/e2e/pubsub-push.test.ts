// A service's own process, subscribed on the official emulator: a fact that is published comes to it, also after it was away.
import { describe, expect, onTestFinished, test } from "vitest";
import { openKeys, openPrincipals, openStateFolder } from "../../scripts/compose/state-folder.ts";
import { openLedger } from "../../scripts/compose/open-ledger.ts";
import { createBus } from "../../shared/adapters/google/bus.ts";
import { createCalls } from "../../shared/adapters/google/calls.ts";
import { openPubSub } from "../../shared/adapters/google/pubsub-client.ts";
import { pushBody } from "../../shared/adapters/local/push-bus.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import type { AnyFact, Draft } from "../../shared/domain/fact.ts";
import { batchOf } from "../support/facts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { emulatorJar, emulatorMissing, startEmulator } from "../support/google/emulators.ts";
import { startPushSigner } from "../support/google/push-signer.ts";
import { PEOPLE } from "../support/installation.ts";
import { startService } from "../support/service-process.ts";
import { until } from "../support/until.ts";

const TIMEOUT_MS = 120_000;
const MODEL = "teams/default/models/ranker";
const PUSH_TOKEN = "a push token of a test, long enough to be one";
const SUBSCRIPTION = "projects/acme-test/subscriptions/facts-registry";

const created = (id: string): Draft<"model-version.created"> => ({
  type: "model-version.created",
  data: {
    modelVersion: `${MODEL}/versions/${id}`,
    artifact: { uri: "file:///nowhere", digest: `tree-sha256:${"0".repeat(64)}` },
    datasets: [],
    metrics: {},
  },
});

async function world() {
  const state = await openStateFolder(temporaryFolder());
  await openKeys(state);
  await openPrincipals(state, PEOPLE);
  const stored = openLedger(state);
  onTestFinished(() => stored.db.close());
  const start = () =>
    startService("registry", {
      SIGNALBOX_STATE: state.root,
      SIGNALBOX_PUSH_TOKEN: PUSH_TOKEN,
      PORT: "0",
    });
  const emulator = await startEmulator("pubsub");
  onTestFinished(() => emulator.stop());
  const client = await openPubSub({ project: "acme-test", emulator: emulator.host });
  onTestFinished(() => client.close());
  const subscribers = { registry: ["model-version.created"] } as const;
  const bus = createBus({
    client: async () => client,
    calls: createCalls({ clock }),
    topic: "facts",
    subscribers,
  });
  return { ...stored, start, client, bus };
}

describe.skipIf(emulatorJar("pubsub") === undefined)(
  `a service process on the Pub/Sub emulator${emulatorJar("pubsub") === undefined ? ` (skipped: ${emulatorMissing("pubsub")})` : ""}`,
  () => {
    test(
      "handles what is published, also what was published while it was away, and nothing of a stranger",
      { timeout: TIMEOUT_MS },
      async () => {
        const { ledger, views, start, client, bus } = await world();
        let running = start();
        let url = await running.url();
        const signer = await startPushSigner({ registry: { url: () => url, token: async () => PUSH_TOKEN } });
        const [topic] = await client.createTopic("facts");
        await topic.createSubscription("facts-registry", { pushEndpoint: signer.url("registry") });

        const publish = async (expected: number, id: string): Promise<AnyFact> => {
          const batch = batchOf(MODEL, expected, `test-${id}`, [created(id)]);
          await ledger.append(batch);
          const [fact] = batch.facts as [AnyFact];
          await bus.publish(fact);
          return fact;
        };
        const handled = (id: string) =>
          until(`version ${id} to be looked at`, async () => {
            const facts = (await ledger.read(MODEL, 0)).facts;
            const isJudged = facts.some(
              ({ type, data }) =>
                type === "model-version.rejected" && JSON.stringify(data).includes(`versions/${id}`),
            );
            return isJudged || undefined;
          });

        const first = await publish(0, "1");
        await handled("1");
        expect(await views.get("modelVersions", `${MODEL}/versions/1`)).toBeDefined();

        expect(await running.stop()).toBe(0);
        const length = (await ledger.read(MODEL, 0)).facts.length;
        await publish(length, "2");
        running = start();
        url = await running.url();
        await handled("2");
        await until("both to be acknowledged", () => signer.acknowledged("registry") === 2 || undefined);

        const body = pushBody(first, SUBSCRIPTION);
        expect((await fetch(url, { method: "POST", body })).status).toBe(401);
        const stranger = { authorization: "Bearer a token that somebody made up, long enough" };
        expect((await fetch(url, { method: "POST", body, headers: stranger })).status).toBe(401);
        // The emulator leaves out what the service has: should that change, the signer can go.
        expect(new Set([...signer.bare, ...signer.attempts])).toEqual(new Set([undefined]));
        expect(await running.stop()).toBe(0);
      },
    );
  },
);
