// Pub/Sub when it fails, gives up, is held, or expires: Google's client against a fake of the service.
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { v1 } from "@google-cloud/pubsub";
import { expect, onTestFinished, test } from "vitest";
import { createBus } from "../../../shared/adapters/google/bus.ts";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { openPubSub } from "../../../shared/adapters/google/pubsub-client.ts";
import { createDeadLetterDrain } from "../../../shared/adapters/google/pubsub-dead-letters.ts";
import { createDeadLetters } from "../../../shared/adapters/local/dead-letters.ts";
import { openDatabase } from "../../../shared/adapters/local/database.ts";
import { ControlPlaneError } from "../../../shared/domain/errors.ts";
import type { DeadLetters } from "../../../shared/ports/dead-letters.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { factOfLetter, factOfPush } from "../../../shared/runtime/push-message.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { factFrom, planStarted } from "../../support/facts.ts";
import { createPubSubFake, type SubscriptionSettings } from "../../support/google/pubsub-fake.ts";
import { servePubSubFake } from "../../support/google/pubsub-server-fake.ts";
import { until } from "../../support/until.ts";
import { createLogBook } from "../../support/world.ts";

const PROJECT = "acme-test";
const TOPIC = `projects/${PROJECT}/topics/facts`;
const DEAD = `projects/${PROJECT}/topics/dead`;
const subscription = (name: string): string => `projects/${PROJECT}/subscriptions/${name}`;
const fact = factFrom(planStarted("b"));

async function world(timeoutMs?: number, ackDeadlineMs = 10_000) {
  const fake = createPubSubFake({ clock: systemClock });
  fake.createTopic(TOPIC);
  fake.createTopic(DEAD);
  fake.createSubscription({ name: subscription("dead"), topic: DEAD, ackDeadlineMs });
  const host = await servePubSubFake(fake);
  const client = await openPubSub({ project: PROJECT, emulator: host });
  onTestFinished(() => client.close());
  const calls = createCalls({ clock: systemClock, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const bus = createBus({
    client: async () => client,
    calls,
    topic: "facts",
    subscribers: { registry: ["plan.started"] },
  });
  return { fake, client, calls, bus, host };
}

const pushOf = (data: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.from(JSON.stringify({ message: { data: Buffer.from(data).toString("base64") } }));

/** Something that is pushed to and answers this; closed when the test ends. */
async function receiver(answer: () => number) {
  const bodies: { deliveryAttempt?: number; message: { messageId: string } }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      bodies.push(JSON.parse(Buffer.concat(chunks).toString()) as (typeof bodies)[number]);
      response.writeHead(answer()).end();
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, bodies };
}

/** What takes dead letters of the registry into this list. */
async function drainInto(host: string, calls: ReturnType<typeof createCalls>, deadLetters: DeadLetters) {
  const [hostname, port] = host.split(":");
  const { credentials } = await import("@grpc/grpc-js");
  const sslCreds = credentials.createInsecure() as never;
  const subscriber = new v1.SubscriberClient({
    apiEndpoint: hostname ?? "",
    port: Number(port),
    sslCreds,
    projectId: PROJECT,
  });
  onTestFinished(() => subscriber.close());
  return createDeadLetterDrain({
    subscriber,
    calls,
    project: PROJECT,
    subscriptions: { registry: "dead" },
    deadLetters,
    clock: systemClock,
    log: createLogBook(),
  });
}

test.each([
  [14, "UNAVAILABLE"],
  [8, "RESOURCE_EXHAUSTED"],
  [7, "PERMISSION_DENIED"],
  [16, "UNAVAILABLE"],
  [13, "INTERNAL"],
  [4, "DEADLINE_EXCEEDED"],
])("a publication that fails with %i is %s, asked once", async (code, ours) => {
  const { fake, bus } = await world();
  fake.faults.publishing.push({ code, applied: false });
  await expect(bus.publish(fact)).rejects.toMatchObject({ name: "ControlPlaneError", code: ours });
  await expect(bus.publish(fact)).resolves.toBeUndefined();
});

test("a publication whose answer is lost is published again, and handlers get it twice", async () => {
  const { fake, bus } = await world();
  fake.createSubscription({ name: subscription("registry"), topic: TOPIC });
  fake.faults.publishing.push({ code: 14, applied: true });
  await expect(bus.publish(fact)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await bus.publish(fact);
  expect(fake.outstanding(TOPIC)).toBe(2);
});

test("a topic that is not there, a silent service, and a fact that is too large are typed errors", async () => {
  const { client, calls } = await world();
  const { fake, bus } = await world(300);
  const lost = createBus({ client: async () => client, calls, topic: "nowhere", subscribers: {} });
  await expect(lost.publish(fact)).rejects.toMatchObject({ code: "NOT_FOUND" });
  fake.faults.publishing.push({ code: 0, applied: false, never: true });
  await expect(bus.publish(fact)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  const huge = factFrom(planStarted("x".repeat(1_000_001)));
  await expect(bus.publish(huge)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", reason: "TOO_LARGE" });
});

test("numbers that no integer of ours can hold arrive as they were, and others are refused", async () => {
  const { fake, bus } = await world();
  fake.createSubscription({ name: subscription("registry"), topic: TOPIC });
  const odd = [2 ** 53 + 2, -(2 ** 60), 1e20 / 3, 1e21, 5e-324, Number.MAX_VALUE, -0.1];
  const large = { ...fact, data: { ...fact.data, later: odd } };
  await bus.publish(large);
  const [received] = fake.pull(subscription("registry"), 1);
  expect(factOfPush(pushOf(received?.message.data))).toEqual(large);
  for (const version of ["9007199254740993", "9007199254740992", "1e400", "-1"]) {
    const text = JSON.stringify(fact).replace(/"version":\d+/, `"version":${version}`);
    expect(() => factOfPush(pushOf(Buffer.from(text))), version).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  }
  const rounded = JSON.stringify(fact).replace('"data":{', '"data":{"later":[9007199254740993],');
  expect(() => factOfPush(pushOf(Buffer.from(rounded)))).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "NUMBER_TOO_LARGE" }),
  );
});

test("keys that every object has change nothing, and are no names of services", async () => {
  const { fake, bus } = await world();
  fake.createSubscription({ name: subscription("registry"), topic: TOPIC });
  for (const only of ["__proto__", "constructor", "toString", "hasOwnProperty"])
    await expect(bus.publish(fact, only)).rejects.toMatchObject({
      code: "NOT_FOUND",
      reason: "SUBSCRIPTION_NOT_FOUND",
    });
  expect(fake.outstanding(TOPIC)).toBe(0);
  const text = JSON.stringify(fact).replace('"data":{', '"data":{"__proto__":{"isAdmin":true},');
  expect(() => factOfPush(pushOf(Buffer.from(text)))).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "KEY_FORBIDDEN" }),
  );
  const labelled = `{"message":{"data":"${Buffer.from(JSON.stringify(fact)).toString("base64")}","attributes":{"__proto__":"x"}}}`;
  expect(() => factOfPush(Buffer.from(labelled))).toThrow(
    expect.objectContaining({ code: "INVALID_ARGUMENT", reason: "KEY_FORBIDDEN" }),
  );
  expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
});

test("what is given up comes to the list once, though it is given up twice, and can be replayed", async () => {
  const { fake, calls, bus, host } = await world();
  const { url, bodies } = await receiver(() => 503);
  const retry = { minimumMs: 1, maximumMs: 5 };
  const deadLetter = { topic: DEAD, attempts: 5 };
  fake.createSubscription({
    name: subscription("registry"),
    topic: TOPIC,
    push: { endpoint: url },
    retry,
    deadLetter,
  });
  fake.faults.doubledDeadLetters = true;
  await bus.publish(fact);
  await until("the message to be given up", () => fake.outstanding(DEAD) === 2 || undefined);
  expect(bodies.map(({ deliveryAttempt }) => deliveryAttempt)).toEqual([1, 2, 3, 4, 5]);
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const deadLetters = createDeadLetters(db);
  const drain = await drainInto(host, calls, deadLetters);
  expect(await drain()).toBe(2);
  const { letters, total } = await deadLetters.list(5);
  expect(total).toBe(1);
  expect(letters[0]).toMatchObject({
    id: `registry/${fact.id}`,
    reason: "RETRIES_EXHAUSTED",
    service: "registry",
  });
  expect(factOfLetter(letters[0]?.payload)).toEqual(fact);
  expect([await drain(), fake.outstanding(DEAD)]).toEqual([0, 0]);
  await fake.publish(DEAD, [{ data: Buffer.from([0xff, 0x00]), attributes: {} }]);
  expect(await drain()).toBe(1);
  expect((await deadLetters.list(5)).letters[0]?.id).toMatch(/^registry\/push-[0-9a-f]{32}$/);
});

test("a letter that cannot be kept stays with Pub/Sub, and is taken when it can", async () => {
  const { fake, calls, host } = await world(undefined, 1);
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const kept = createDeadLetters(db);
  let isDown = true;
  const down = new ControlPlaneError("UNAVAILABLE", "No.", { reason: "DOWN" });
  const drain = await drainInto(host, calls, {
    ...kept,
    put: async (letter) => (isDown ? Promise.reject(down) : kept.put(letter)),
  });
  await fake.publish(DEAD, [{ data: Buffer.from(JSON.stringify(fact)), attributes: {} }]);
  await expect(drain()).rejects.toBe(down);
  expect(fake.outstanding(DEAD)).toBe(1);
  isDown = false;
  await until("the letter to be given again", async () => ((await drain()) === 1 ? true : undefined));
  expect([fake.outstanding(DEAD), (await kept.list(2)).total]).toEqual([0, 1]);
});

test("the fake starts slowly, gives again after the deadline, and forgets what is too old", async () => {
  const clock = createVirtualClock();
  const fake = createPubSubFake({ clock });
  fake.createTopic(TOPIC);
  const { url } = await receiver(() => 204);
  const make = (name: string, more: Partial<SubscriptionSettings>): void =>
    fake.createSubscription({ name: subscription(name), topic: TOPIC, ...more });
  make("pushed", { push: { endpoint: url } });
  make("old", { retentionMs: 1_000 });
  make("idle", { expiryMs: 86_400_000 });
  make("plans", { filter: 'hasPrefix(attributes.type,"plan.") AND NOT attributes:only' });
  const message = { data: Buffer.from("x"), attributes: { type: "run.lost" } };
  await fake.publish(
    TOPIC,
    Array.from({ length: 12 }, () => message),
  );
  await until("the pushes", () => fake.delivered.length === 12 || undefined);
  expect(Math.max(...fake.delivered.slice(0, 1).map(({ together }) => together))).toBe(1);
  expect(Math.max(...fake.delivered.map(({ together }) => together))).toBeGreaterThan(2);
  expect(fake.subscription(subscription("plans")).waiting.size).toBe(0);
  await clock.advance(1_001);
  expect(fake.pull(subscription("old"), 1)).toEqual([]);
  await clock.advance(86_400_000);
  expect(() => fake.subscription(subscription("idle"))).toThrow("not found");
  expect(() => make("bad", { filter: "attributes.a = 1 AND b OR c" })).toThrow();
  expect(() => make("long", { filter: `attributes.a = "${"x".repeat(250)}"` })).toThrow("256 bytes");
  await fake.publish(TOPIC, [
    { data: Buffer.from("x"), attributes: { googclient_traceparent: "00-1-1-01" } },
  ]);
  for (const attributes of [
    { google: "x" },
    { a: "x".repeat(1_025) },
    Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, ""])),
  ])
    await expect(fake.publish(TOPIC, [{ data: Buffer.from("x"), attributes }])).rejects.toMatchObject({
      code: 3,
    });
});
