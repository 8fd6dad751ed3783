// What Cloud Build and Cloud Deploy publish makes a service look at once; whatever else comes to that door changes nothing.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { openBuildHints, openDeployHints } from "../../../scripts/compose/google-hints.ts";
import { deployments } from "../../../scripts/delivery/deployments.ts";
import { createPushTokenGuard, googleKeys } from "../../../shared/adapters/google/push-token.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import type { Hints } from "../../../shared/runtime/hints.ts";
import { onFacts, serveFunction } from "../../../shared/runtime/on-facts.ts";
import { createCloudBuildsWorld, PLAN_SPEC } from "../../support/google/cloud-builds.ts";
import { makeKey, startIssuer } from "../../support/google/oidc-issuer-fake.ts";
import { createPubSubFake } from "../../support/google/pubsub-fake.ts";
import { until } from "../../support/until.ts";
import { createWorld } from "../../support/world.ts";

const TOPICS = ["cloud-builds", "clouddeploy-operations", "clouddeploy-resources", "clouddeploy-approvals"];
const topicOf = (topic: string): string => `projects/p/topics/${topic}`;
const subscriptionOf = (topic: string): string =>
  `projects/p/subscriptions/signalbox-dev-hint-looking-${topic}`;
const SETTING = JSON.stringify(Object.fromEntries(TOPICS.map((topic) => [topic, subscriptionOf(topic)])));
const ACCOUNT = "signalbox-dev-to-looking@p.iam.gserviceaccount.com";
const AUDIENCE = "signalbox-dev-looking";
const first = await makeKey("first");

/** A service that looks when it is told to, behind its door, and the topics of Google's own in front of it. */
async function open(hints: Hints, look: () => Promise<void> = async () => undefined) {
  const world = createWorld({});
  const issuer = await startIssuer({
    first,
    honest: () => ({
      iss: "https://accounts.google.com",
      aud: AUDIENCE,
      sub: "1",
      email: ACCOUNT,
      email_verified: true,
      iat: Math.floor(Date.now() / 1_000),
      exp: Math.floor(Date.now() / 1_000) + 3_600,
    }),
  });
  let looks = 0;
  const service = {
    name: "looking",
    inputs: [],
    handle: () => Promise.reject(new Error("no fact comes here")),
    reconcile: async () => {
      looks += 1;
      await look();
    },
  };
  onFacts(service, { ...world, clock }, { subscription: "projects/p/subscriptions/facts", hints });
  const keys = googleKeys(clock, issuer.keysUrl);
  const guard = createPushTokenGuard({ audience: AUDIENCE, serviceAccounts: [ACCOUNT], keys, clock });
  const server = serveFunction("looking", guard).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const pubsub = createPubSubFake({
    clock,
    sign: (aud, email) => issuer.sign({ claims: { aud, email } }),
  });
  for (const topic of Object.keys(hints)) {
    pubsub.createTopic(topicOf(topic));
    pubsub.createSubscription({
      name: subscriptionOf(topic),
      topic: topicOf(topic),
      retry: { minimumMs: 10, maximumMs: 50 },
      push: { endpoint: `${url}/hints/${topic}`, audience: AUDIENCE, serviceAccount: ACCOUNT },
    });
  }
  onTestFinished(async () => {
    pubsub.close();
    server.close();
    server.closeAllConnections();
    await world.close();
  });
  const knock = async (path: string, body: unknown, token?: string): Promise<number> => {
    const authorization = `Bearer ${token ?? (await issuer.sign())}`;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return (await fetch(url + path, { method: "POST", headers: { authorization }, body: text })).status;
  };
  return { pubsub, issuer, knock, looks: () => looks, deadLetters: world.deadLetters, log: world.log };
}

const pushOf = (
  topic: string,
  data: string | Buffer,
  attributes = {},
  subscription = subscriptionOf(topic),
) => ({
  message: { data: Buffer.from(data).toString("base64"), attributes, messageId: "1" },
  subscription,
});
const build = (status: string, more = {}): string =>
  JSON.stringify({
    id: "c-1",
    status,
    tags: ["signalbox"],
    steps: [{ env: ["SIGNALBOX_BUILD=b1"] }],
    ...more,
  });

test("a build that ends is settled by its own message, without a schedule, and a late or doubled message changes nothing", async () => {
  const settings = { repositories: "", path: "", planKey: { id: "k1", secret: "canary" } } as never;
  const { fake, builds } = await createCloudBuildsWorld({ settings });
  const states: string[] = [];
  const door = await open(openBuildHints(SETTING), async () => {
    states.push((await builds.status("b1")).state);
  });
  fake.full();
  await builds.start("b1", PLAN_SPEC);
  const [running] = [...fake.builds.values()];
  const publish = (messages: typeof fake.notifications) =>
    door.pubsub.publish(topicOf("cloud-builds"), messages);
  await publish(fake.notifications);
  await until("the first message to be taken", () => door.pubsub.delivered.length === 1 || undefined);
  // It is queued: nothing has ended, so nobody looks.
  expect(door.looks()).toBe(0);
  if (running !== undefined) fake.end(running, "EXPIRED");
  await publish(fake.notifications.slice(-1));
  await until("the build to be settled", () => states.at(-1) === "done" || undefined);
  // Doubled, and the oldest last.
  await publish([...fake.notifications.slice(-1), ...fake.notifications.toReversed()]);
  await until(
    "all to be acknowledged",
    () => door.pubsub.outstanding(topicOf("cloud-builds")) === 0 || undefined,
  );
  expect(new Set(states)).toEqual(new Set(["done"]));
  expect(door.pubsub.delivered.every(({ status }) => status === 204)).toBe(true);
});

test("a burst of messages leads to few looks, and every one of them is acknowledged", async () => {
  const door = await open(openBuildHints(SETTING), () => new Promise((resolve) => setImmediate(resolve)));
  const messages = Array.from({ length: 200 }, () => ({
    data: Buffer.from(build("SUCCESS")),
    attributes: {},
  }));
  await door.pubsub.publish(topicOf("cloud-builds"), messages);
  await until(
    "all to be acknowledged",
    () => door.pubsub.outstanding(topicOf("cloud-builds")) === 0 || undefined,
  );
  expect(door.looks()).toBeGreaterThan(0);
  expect(door.looks()).toBeLessThan(200);
});

test("a look that fails is asked for again by the same message", async () => {
  let failures = 2;
  const door = await open(openBuildHints(SETTING), async () => {
    failures -= 1;
    if (failures >= 0) throw new Error("Cloud Build is away");
  });
  await door.pubsub.publish(topicOf("cloud-builds"), [
    { data: Buffer.from(build("FAILURE")), attributes: {} },
  ]);
  await until(
    "it to be acknowledged",
    () => door.pubsub.outstanding(topicOf("cloud-builds")) === 0 || undefined,
  );
  expect(door.pubsub.delivered.map(({ status }) => status)).toEqual([503, 503, 204]);
});

test("a message of Cloud Deploy counts when it is of the pipeline of models and something has ended", async () => {
  const door = await open(openDeployHints(SETTING, "signalbox-dev-backends"));
  const said = (action: string, more = {}) => ({
    Action: action,
    ReleaseId: "r-0123456789ab-01234567",
    DeliveryPipelineId: "signalbox-dev-backends",
    ...more,
  });
  // These messages have no data.
  const knock = (topic: string, attributes: object) =>
    door.knock(`/hints/${topic}`, { message: { attributes }, subscription: subscriptionOf(topic) });
  const cases: readonly (readonly [string, object, number])[] = [
    ["clouddeploy-operations", said("Start"), 0],
    ["clouddeploy-resources", said("Create"), 0],
    ...deployments().map(({ key }): readonly [string, object, number] => [
      "clouddeploy-operations",
      said("Succeed", { DeliveryPipelineId: `signalbox-dev-${key}`, ReleaseId: "r-0123456789ab" }),
      0,
    ]),
    ["clouddeploy-operations", said("Succeed", { DeliveryPipelineId: "signalbox-dev-rollout" }), 0],
    ["clouddeploy-operations", said("Succeed", { ReleaseId: "rel-theirs" }), 0],
    ["clouddeploy-operations", {}, 0],
    ["clouddeploy-operations", said("Succeed"), 1],
    ["clouddeploy-operations", said("Failure"), 2],
    ["clouddeploy-approvals", said("Rejected"), 3],
    ["clouddeploy-resources", said("Update"), 4],
  ];
  for (const [topic, attributes, looks] of cases) {
    expect(await knock(topic, attributes), JSON.stringify(attributes)).toBe(204);
    expect(door.looks(), JSON.stringify(attributes)).toBe(looks);
  }
});

test.each<readonly [string, unknown]>([
  ["no JSON", "{"],
  ["no push", {}],
  ["a message without content", { message: {}, subscription: subscriptionOf("cloud-builds") }],
  ["no build", pushOf("cloud-builds", "[]")],
  ["bytes that are no UTF-8", pushOf("cloud-builds", Buffer.from([0xff]))],
  ["a build of somebody else", pushOf("cloud-builds", build("SUCCESS", { tags: ["theirs"] }))],
  ["a build with our tag and no id of ours", pushOf("cloud-builds", build("SUCCESS", { steps: [] }))],
  ["a build that runs", pushOf("cloud-builds", build("WORKING"))],
  ["a prototype", pushOf("cloud-builds", '{"__proto__":{"id":"x"}}')],
])("%s is dropped: nobody looks, nothing is kept", async (_name, body) => {
  const door = await open(openBuildHints(SETTING));
  expect([204, 403]).toContain(await door.knock("/hints/cloud-builds", body));
  expect(door.looks()).toBe(0);
  expect((await door.deadLetters.list(1)).total).toBe(0);
});

test("a message that nobody signed, or that another account or another subscription sends, is turned away", async () => {
  const door = await open(openBuildHints(SETTING));
  const body = pushOf("cloud-builds", build("SUCCESS"));
  expect(await door.knock("/hints/cloud-builds", body, "x")).toBe(401);
  const stranger = await door.issuer.sign({ claims: { email: "publisher@p.iam.gserviceaccount.com" } });
  expect(await door.knock("/hints/cloud-builds", body, stranger)).toBe(403);
  const other = pushOf("cloud-builds", build("SUCCESS"), {}, "projects/evil/subscriptions/x");
  expect(await door.knock("/hints/cloud-builds", other)).toBe(403);
  // A topic that this service hears nothing of, and names of objects, are no hints: the door of facts refuses them.
  for (const topic of ["clouddeploy-operations", "__proto__", "constructor", ""])
    expect(await door.knock(`/hints/${topic}`, body)).toBe(403);
  expect(door.looks()).toBe(0);
  expect(await door.knock("/hints/cloud-builds", body)).toBe(204);
  expect(door.looks()).toBe(1);
});

test("a setting without one of the topics is refused, with its name", () => {
  for (const text of ["{}", "[]", "no JSON", '{"cloud-builds":7}', '{"cloud-builds":"x"}'])
    expect(() => openBuildHints(text), text).toThrow(/cloud-builds/);
  expect(() => openDeployHints('{"clouddeploy-operations":"projects/p/subscriptions/s"}', "x")).toThrow(
    /clouddeploy-resources, clouddeploy-approvals/,
  );
});
