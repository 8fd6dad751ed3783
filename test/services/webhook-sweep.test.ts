// The clock's door of the webhook: who may call for the receipts that were left, and what becomes of them.
import { expect, onTestFinished, test, vi } from "vitest";
import { createPushTokenGuard, googleKeys } from "../../shared/adapters/google/push-token.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createWebhook, type WebhookPorts } from "../../services/webhook/webhook.ts";
import { SWEEP_BODY_BYTES_MAX, SWEEP_PATH, sweepRoutes } from "../../services/webhook/sweep-routes.ts";
import { makeKey, type Said, startIssuer } from "../support/google/oidc-issuer-fake.ts";
import { createWorld } from "../support/world.ts";
import { deliveryHeaders, pushBody, SECRET } from "./github-delivery.ts";

const AUDIENCE = "signalbox-dev-webhook";
const CLOCK = "signalbox-dev-scheduler@acme.iam.gserviceaccount.com";
const first = await makeKey("first");

async function open(change: Partial<WebhookPorts> = {}) {
  const world = createWorld({});
  const { clock, log } = world;
  const now = (): number => Math.floor(clock.now().getTime() / 1_000);
  const issuer = await startIssuer({
    first,
    honest: () => ({
      iss: "https://accounts.google.com",
      aud: AUDIENCE,
      sub: "113774264463038321964",
      email: CLOCK,
      email_verified: true,
      iat: now(),
      exp: now() + 3_600,
    }),
  });
  const webhook = createWebhook({ ...world, secrets: { get: async () => SECRET }, ...change });
  const keys = googleKeys(clock, issuer.keysUrl);
  const guard = createPushTokenGuard({ audience: AUDIENCE, serviceAccounts: [CLOCK], keys, clock });
  const app = createServer({ clock, log });
  await app.register(webhook.routes);
  await app.register(sweepRoutes({ guard, sweep: () => webhook.sweep(), clock }));
  onTestFinished(async () => {
    await app.close();
    await world.close();
  });
  /** As Cloud Scheduler calls: no body, and the content type that it gives bodies. */
  const call = async (authorization: string | undefined, payload = "") => {
    const headers = { "content-type": "application/octet-stream", ...(authorization && { authorization }) };
    return (await app.inject({ method: "POST", url: SWEEP_PATH, headers, payload })).statusCode;
  };
  const token = async (said?: Said): Promise<string> => `Bearer ${await issuer.sign(said)}`;
  const pending = async () => (await world.receipts.pending(10)).map(({ guid }) => guid);
  const leave = (guid: string) =>
    world.receipts.put({
      guid,
      event: "push",
      bodyHash: `sha256:${guid}`,
      body: Buffer.from(JSON.stringify(pushBody())),
      receivedAt: clock.now().toISOString(),
    });
  return { ...world, app, webhook, call, token, pending, leave };
}

test("the clock calls, and every receipt that was left is handled once", async () => {
  const door = await open();
  await door.leave("left-1");
  await door.leave("left-2");
  const authorization = await door.token();
  expect(await Promise.all([door.call(authorization), door.call(authorization)])).toEqual([204, 204]);
  expect(await door.pending()).toEqual([]);
  expect(await door.call(authorization)).toBe(204);
  const { facts } = await door.ledger.list({ limit: 10, order: "oldest-first" });
  expect(facts.map(({ subject }) => subject)).toEqual(["deliveries/left-1", "deliveries/left-2"]);
});

test.each<readonly [string, number, Said | undefined]>([
  ["nobody", 401, undefined],
  [
    "the webhook's neighbour",
    403,
    { claims: { email: "signalbox-dev-to-rollout@acme.iam.gserviceaccount.com" } },
  ],
  ["an address that nobody verified", 403, { claims: { email_verified: false } }],
  ["a token for another service", 401, { claims: { aud: "signalbox-dev-relay" } }],
  ["a token of last week", 401, { claims: { iat: 1, exp: 3_601 } }],
  ["another issuer", 401, { claims: { iss: "https://evil.example.com" } }],
])("%s is turned away with %i, and nothing is touched", async (_name, status, said) => {
  const door = await open();
  await door.leave("left");
  expect(await door.call(said === undefined ? undefined : await door.token(said))).toBe(status);
  expect(await door.pending()).toEqual(["left"]);
});

test("a key of somebody else signs nothing here", async () => {
  const door = await open();
  const stranger = await makeKey("first");
  expect(await door.call(await door.token({ key: stranger }))).toBe(401);
});

test("a body that is large is refused, a small one is not read", async () => {
  const door = await open();
  const authorization = await door.token();
  expect(await door.call(authorization, "{".repeat(SWEEP_BODY_BYTES_MAX + 1))).toBe(413);
  expect(await door.call(authorization, "{")).toBe(204);
});

test("with a time for work the answer waits until the delivery is settled, and no longer than that time", async () => {
  const held = Promise.withResolvers<void>();
  const world = createWorld({});
  onTestFinished(() => world.close());
  let isHeld = false;
  const settle: typeof world.receipts.settle = async (guid, outcome) => {
    if (isHeld) await held.promise;
    return world.receipts.settle(guid, outcome);
  };
  const slow = await open({ workInRequestMs: 4_000, receipts: { ...world.receipts, settle } });
  const send = async (guid: string): Promise<number> => {
    const payload = JSON.stringify({ ...pushBody(), guid });
    const headers = { ...deliveryHeaders("push", payload), "x-github-delivery": guid };
    return (await slow.app.inject({ method: "POST", url: "/webhooks/github", payload, headers })).statusCode;
  };
  expect(await send("first")).toBe(202);
  expect(await world.receipts.pending(10)).toEqual([]);
  isHeld = true;
  const answer = send("second");
  await vi.waitUntil(
    async () => (await world.receipts.pending(10)).length === 1 && slow.clock.sleeping() > 0,
  );
  let isAnswered = false;
  void answer.then(() => (isAnswered = true));
  await slow.clock.advance(3_999);
  expect(isAnswered).toBe(false);
  await slow.clock.advance(1);
  expect(await answer).toBe(202);
  expect(await world.receipts.pending(10)).toHaveLength(1);
  held.resolve();
  await slow.webhook.sweep();
  expect(await world.receipts.pending(10)).toEqual([]);
});

test("a ledger that is away leaves the receipts pending, and the clock comes again", async () => {
  const world = createWorld({});
  onTestFinished(() => world.close());
  let isAway = true;
  const away = new ControlPlaneError("UNAVAILABLE", "away", { reason: "AWAY" });
  const door = await open({
    receipts: world.receipts,
    ledger: {
      ...world.ledger,
      append: async (batch) => {
        if (isAway) throw away;
        return world.ledger.append(batch);
      },
    },
  });
  await world.receipts.put({
    guid: "left",
    event: "push",
    bodyHash: "sha256:x",
    body: Buffer.from(JSON.stringify(pushBody())),
    receivedAt: world.clock.now().toISOString(),
  });
  const authorization = await door.token();
  expect(await door.call(authorization)).toBe(204);
  expect((await world.receipts.pending(10)).map(({ guid }) => guid)).toEqual(["left"]);
  isAway = false;
  expect(await door.call(authorization)).toBe(204);
  expect(await world.receipts.pending(10)).toEqual([]);
});
