// The bus over Pub/Sub: Google's client against a fake of the service, and against the official emulator, with pushes over HTTP.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, onTestFinished } from "vitest";
import { createBus } from "../../../shared/adapters/google/bus.ts";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { openPubSub } from "../../../shared/adapters/google/pubsub-client.ts";
import { createPushTokenGuard, googleKeys } from "../../../shared/adapters/google/push-token.ts";
import { createDeadLetters } from "../../../shared/adapters/local/dead-letters.ts";
import { openDatabase } from "../../../shared/adapters/local/database.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import type { DeliverPorts } from "../../../shared/runtime/deliver.ts";
import type { FactService } from "../../../shared/runtime/fact-service.ts";
import { onFacts, serveFunction } from "../../../shared/runtime/on-facts.ts";
import { itBehavesLikeABus, type BusUnderTest } from "../../contracts/bus.ts";
import {
  type Emulator,
  emulatorJar,
  emulatorMissing,
  startEmulator,
} from "../../support/google/emulators.ts";
import {
  type FakeIssuer,
  type IssuerKey,
  makeKey,
  startIssuer,
} from "../../support/google/oidc-issuer-fake.ts";
import { createPubSubFake } from "../../support/google/pubsub-fake.ts";
import { servePubSubFake } from "../../support/google/pubsub-server-fake.ts";
import { startPushSigner } from "../../support/google/push-signer.ts";
import { until } from "../../support/until.ts";
import { createLogBook } from "../../support/world.ts";

const PROJECT = "acme-test";
const accountOf = (name: string): string => `push-${name}@acme-test.iam.gserviceaccount.com`;
let key: IssuerKey;
beforeAll(async () => {
  key = await makeKey("first");
});

const subscriptionOf = (name: string): string => `projects/${PROJECT}/subscriptions/facts-${name}`;

function localPorts(): DeliverPorts {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  return { deadLetters: createDeadLetters(db), clock, log: createLogBook() };
}

const issuerOf = (): Promise<FakeIssuer> =>
  startIssuer({
    first: key,
    honest: () => ({
      iss: "https://accounts.google.com",
      sub: "1",
      email_verified: true,
      iat: Math.floor(Date.now() / 1_000),
      exp: Math.floor(Date.now() / 1_000) + 3_600,
    }),
  });

/** Serves the service behind the guard that it has on Cloud Run. */
async function listen(service: FactService, ports: DeliverPorts, issuer: FakeIssuer): Promise<string> {
  onFacts(service, ports, { subscription: subscriptionOf(service.name) });
  const keys = googleKeys(clock, issuer.keysUrl);
  const guard = createPushTokenGuard({
    audience: service.name,
    serviceAccounts: [accountOf(service.name)],
    keys,
    clock,
  });
  const server = serveFunction(service.name, guard).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const families = (service: FactService): string =>
  [...new Set(service.inputs.map((type) => type.split(".")[0]))]
    .map((family) => `hasPrefix(attributes.type,"${family}.")`)
    .join(" OR ");

async function busOf(emulator: string, topic: string, services: readonly FactService[]) {
  const client = await openPubSub({ project: PROJECT, emulator });
  onTestFinished(() => client.close());
  const subscribers = Object.fromEntries(services.map(({ name, inputs }) => [name, inputs]));
  return {
    client,
    bus: createBus({ client: async () => client, calls: createCalls({ clock }), topic, subscribers }),
  };
}

async function onTheFake(services: readonly FactService[]): Promise<BusUnderTest> {
  const [ports, issuer] = [localPorts(), await issuerOf()];
  const sign = (aud: string, email: string): Promise<string> => issuer.sign({ claims: { aud, email } });
  const fake = createPubSubFake({ clock, sign });
  const topic = `projects/${PROJECT}/topics/facts`;
  fake.createTopic(topic);
  for (const service of services) {
    fake.createSubscription({
      name: subscriptionOf(service.name),
      topic,
      filter: families(service),
      retry: { minimumMs: 10, maximumMs: 100 },
      push: {
        endpoint: await listen(service, ports, issuer),
        audience: service.name,
        serviceAccount: accountOf(service.name),
      },
    });
  }
  const { bus } = await busOf(await servePubSubFake(fake), "facts", services);
  const settled = async (): Promise<void> => {
    await until("everything to be acknowledged", () => (fake.outstanding(topic) === 0 ? true : undefined));
  };
  return { bus, deadLetters: ports.deadLetters, settled };
}

itBehavesLikeABus("Pub/Sub, as it is published,", onTheFake, "durably");

let emulator: Emulator;
let topics = 0;

async function onTheEmulator(services: readonly FactService[]): Promise<BusUnderTest> {
  const [ports, issuer] = [localPorts(), await issuerOf()];
  const targets = await Promise.all(
    services.map(async (service) => {
      const claims = { aud: service.name, email: accountOf(service.name) };
      const url = await listen(service, ports, issuer);
      return [service.name, { url, token: () => issuer.sign({ claims }) }] as const;
    }),
  );
  const signer = await startPushSigner(Object.fromEntries(targets));
  const name = `facts-${++topics}`;
  const { client, bus } = await busOf(emulator.host, name, services);
  const [topic] = await client.createTopic(name);
  for (const { name: service } of services)
    await topic.createSubscription(`facts-${service}`, { pushEndpoint: signer.url(service) });
  onTestFinished(async () => {
    for (const { name: service } of services) await client.subscription(`facts-${service}`).delete();
  });
  let published = 0;
  return {
    deadLetters: ports.deadLetters,
    bus: {
      publish: async (...what) => {
        await bus.publish(...what);
        published += 1;
      },
    },
    settled: async () => {
      const done = (): true | undefined =>
        services.every((each) => signer.acknowledged(each.name) === published) || undefined;
      await until("every service to acknowledge", done);
    },
  };
}

if (emulatorJar("pubsub") === undefined) {
  describe.skipIf(true)(`the bus on the Pub/Sub emulator (skipped: ${emulatorMissing("pubsub")})`, () => {
    itBehavesLikeABus("the emulator", onTheEmulator, "durably");
  });
} else {
  beforeAll(async () => {
    emulator = await startEmulator("pubsub");
  }, 60_000);
  afterAll(() => emulator.stop());
  itBehavesLikeABus("Pub/Sub's emulator", onTheEmulator, "durably");
}
