// The webhook through its door: who may deliver, what is kept, and that nothing happens twice.
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import type { Secret } from "../../shared/ports/secrets.ts";
import { createServer, REQUEST_TIMEOUT_MS } from "../../shared/runtime/server.ts";
import { BODY_BYTES_MAX, TAKEN_BODY_BYTES_MAX } from "../../services/webhook/raw-body.ts";
import { deliveriesProjection } from "../../services/webhook/views.ts";
import { createWebhook } from "../../services/webhook/webhook.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { createWorld } from "../support/world.ts";
import { listen, rawExchange } from "./door.ts";
import { deliveryHeaders, guid, pullRequestBody, pushBody, SECRET, sign } from "./github-delivery.ts";

const URL = "/webhooks/github";
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function door(
  secret: Secret = SECRET,
  withLedger: (world: ReturnType<typeof createWorld>) => object = () => ({}),
) {
  const world = createWorld({});
  cleanups.push(() => Promise.resolve(world.close()));
  const app = createServer({ clock: world.clock, log: world.log });
  const webhook = createWebhook({ ...world, ...withLedger(world), secrets: { get: async () => secret } });
  await app.register(webhook.routes);
  cleanups.push(() => app.close());
  const send = (event: string, body: unknown, headers: Record<string, string | string[]> = {}) => {
    const payload = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    return app.inject({
      method: "POST",
      url: URL,
      payload,
      headers: { ...deliveryHeaders(event, payload), ...headers },
    });
  };
  const facts = async () => (await world.ledger.list({ limit: 100, order: "oldest-first" })).facts;
  return { world, app, webhook, send, facts };
}

test("a signed delivery is kept before it is answered, and recorded after", async () => {
  const { world, send, facts, webhook } = await door();
  const response = await send("pull_request", pullRequestBody());
  expect([response.statusCode, response.json()]).toEqual([
    202,
    { name: `deliveries/${guid()}`, duplicate: false },
  ]);
  expect(await world.receipts.list(10)).toMatchObject([{ guid: guid(), event: "pull_request" }]);
  await webhook.sweep();
  expect(await facts()).toMatchObject([
    {
      type: "delivery.received",
      subject: `deliveries/${guid()}`,
      actor: "services/webhook",
      data: { action: "opened", repository: "acme/platform" },
    },
  ]);
  expect(await world.receipts.list(10)).toMatchObject([{ outcome: { outcome: "accepted" } }]);
  const [fact] = await facts();
  if (fact === undefined) throw new Error("nothing was recorded");
  await createProjector(world, [deliveriesProjection]).handle(fact);
  expect(await world.views.get("deliveries", fact.subject)).toMatchObject({
    name: fact.subject,
    repository: "acme/platform",
  });
});

test("ping and events that are not acted on are kept and ignored with a reason", async () => {
  const { world, send, facts, webhook } = await door();
  expect((await send("ping", { zen: "Keep it logically awesome." })).statusCode).toBe(202);
  expect((await send("issues", { action: "opened" }, { "x-github-delivery": guid(2) })).statusCode).toBe(202);
  await webhook.sweep();
  expect(await facts()).toEqual([]);
  expect(
    (await world.receipts.list(10)).map(({ event, outcome }) => [event, outcome?.outcome, outcome?.reason]),
  ).toEqual([
    ["issues", "ignored", "issues events are not acted on"],
    ["ping", "ignored", "a ping asks for nothing"],
  ]);
  expect((await world.ledger.decision(`deliveries/${guid(2)}`, `delivery/${guid(2)}`))?.ignored).toContain(
    "not acted on",
  );
});

const body = JSON.stringify(pullRequestBody());
const right = sign(body);

test.each<[string, Record<string, string>]>([
  ["forged", { "x-hub-signature-256": `sha256=${"0".repeat(64)}` }],
  ["missing", { "x-hub-signature-256": "" }],
  [
    "only SHA-1, though correct",
    { "x-hub-signature-256": "", "x-hub-signature": sign(body, SECRET.current, "sha1") },
  ],
  ["upper case", { "x-hub-signature-256": `sha256=${right.slice(7).toUpperCase()}` }],
  ["of an upper-case prefix", { "x-hub-signature-256": right.replace("sha256", "SHA256") }],
  ["truncated", { "x-hub-signature-256": right.slice(0, -1) }],
  ["one character too long", { "x-hub-signature-256": `${right}0` }],
  ["not hexadecimal", { "x-hub-signature-256": `sha256=${"g".repeat(64)}` }],
  ["10 KB long", { "x-hub-signature-256": `sha256=${"a".repeat(10_000)}` }],
  ["doubled in one line", { "x-hub-signature-256": `${right}, ${right}` }],
  ["of another secret", { "x-hub-signature-256": sign(body, "another") }],
])("a signature that is %s is 401 and leaves nothing behind", async (_what, headers) => {
  const { world, send } = await door();
  const response = await send("pull_request", body, headers);
  expect([response.statusCode, response.json().error.status]).toEqual([401, "UNAUTHENTICATED"]);
  expect(response.body).not.toContain(right.slice(7));
  expect(await world.receipts.list(10)).toEqual([]);
});

test("a body of other bytes with the same meaning is 401", async () => {
  const { send } = await door();
  for (const changed of [
    `${body} `,
    body.replace("12", "13"),
    JSON.stringify(JSON.parse(body), undefined, 1),
  ]) {
    expect((await send("pull_request", changed, { "x-hub-signature-256": right })).statusCode).toBe(401);
  }
});

test("two signature headers are 401, though one is right", async () => {
  const { app, world } = await door();
  const port = await listen(app);
  const lines = Object.entries(deliveryHeaders("pull_request", body)).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const request = (more: string) =>
    `POST ${URL} HTTP/1.1\r\n${lines.join("\r\n")}\r\n${more}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
  expect(
    (await rawExchange(port, request(`X-Hub-Signature-256: sha256=${"0".repeat(64)}\r\n`))).text,
  ).toMatch(/^HTTP\/1\.1 401 /);
  expect((await rawExchange(port, request(`X-Hub-Signature-256: ${right}\r\n`))).text).toMatch(
    /^HTTP\/1\.1 401 /,
  );
  expect((await rawExchange(port, request(`X-GitHub-Delivery: ${guid(5)}\r\n`))).text).toMatch(
    /^HTTP\/1\.1 400 /,
  );
  expect(await world.receipts.list(10)).toEqual([]);
  expect((await rawExchange(port, request(""))).text).toMatch(/^HTTP\/1\.1 202 /);
});

test("the previous secret is accepted while it is configured, and its use is logged", async () => {
  const during = await door();
  const old = { "x-hub-signature-256": sign(body, SECRET.previous) };
  expect((await during.send("pull_request", body, old)).statusCode).toBe(202);
  expect(during.world.log.lines).toContainEqual(
    expect.objectContaining({ level: "warn", message: expect.stringContaining("previous secret") }),
  );
  const after = await door({ current: SECRET.current });
  expect((await after.send("pull_request", body, old)).statusCode).toBe(401);
});

test("without a configured secret nothing is accepted", async () => {
  const { world, send } = await door({ current: "" });
  expect((await send("pull_request", body)).statusCode).toBe(500);
  expect((await send("pull_request", body, { "x-hub-signature-256": sign(body, "") })).statusCode).toBe(500);
  expect(await world.receipts.list(10)).toEqual([]);
});

test.each([
  ["no delivery id", { "x-github-delivery": "" }],
  ["a delivery id that is no id", { "x-github-delivery": "../../etc" }],
  ["no event", { "x-github-event": "" }],
])("a signed delivery with %s is 400", async (_what, headers) => {
  const { send, world } = await door();
  expect((await send("pull_request", body, headers)).statusCode).toBe(400);
  expect(await world.receipts.list(10)).toEqual([]);
});

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/json; charset=utf-7",
  "multipart/form-data; boundary=x",
])("content type %s is 415 before anything is read", async (contentType) => {
  const { send } = await door();
  expect((await send("pull_request", body, { "content-type": contentType })).statusCode).toBe(415);
});

test("the same delivery again, and the same body under a new id, are answered and change nothing", async () => {
  const { send, facts, webhook, world } = await door();
  for (const id of [guid(1), guid(1), guid(2), guid(3)]) {
    const response = await send("pull_request", body, { "x-github-delivery": id });
    expect([response.statusCode, response.json().name]).toEqual([202, `deliveries/${guid(1)}`]);
    await webhook.sweep();
  }
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => send("pull_request", body, { "x-github-delivery": guid(100 + n) })),
  );
  await webhook.sweep();
  expect(await facts()).toHaveLength(1);
  expect(await world.receipts.list(100)).toHaveLength(1);
});

test("the signed body of another event under the name pull_request has no effect", async () => {
  const { send, facts, webhook, world } = await door();
  expect((await send("pull_request", pushBody())).statusCode).toBe(202);
  await webhook.sweep();
  expect(await facts()).toEqual([]);
  expect(await world.receipts.list(1)).toMatchObject([
    { outcome: { outcome: "refused", reason: expect.stringContaining("pull_request") } },
  ]);
});

test.each([
  ["__proto__ keys", `{"__proto__":{"polluted":true},${body.slice(1)}`],
  ["a doubled key", `{"action":"opened",${body.slice(1)}`],
  ["no JSON", "not json"],
  ["100,000 levels", "[".repeat(100_000) + "]".repeat(100_000)],
])("a signed body with %s is kept as refused and has no effect", async (_what, payload) => {
  const { send, facts, webhook, world } = await door();
  expect((await send("pull_request", payload)).statusCode).toBe(202);
  await webhook.sweep();
  expect(await facts()).toEqual([]);
  expect(await world.receipts.list(1)).toMatchObject([{ outcome: { outcome: "refused" } }]);
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("a body that is not UTF-8 or empty is 400, whoever signed it", async () => {
  const { send } = await door();
  expect((await send("pull_request", Buffer.from([0x7b, 0xff, 0x7d]))).statusCode).toBe(400);
  expect((await send("pull_request", "")).statusCode).toBe(400);
});

test("a body is cut off at 1 MB for what we act on and at 25 MB for anything", async () => {
  const { send, world } = await door();
  expect((await send("pull_request", "x".repeat(TAKEN_BODY_BYTES_MAX + 1))).statusCode).toBe(413);
  expect(
    (await send("status", "x".repeat(TAKEN_BODY_BYTES_MAX + 1), { "x-github-delivery": guid(2) })).statusCode,
  ).toBe(202);
  expect((await world.receipts.pending(5))[0]?.body.byteLength ?? 0).toBe(0);
  expect((await send("status", "x".repeat(BODY_BYTES_MAX + 1))).statusCode).toBe(413);
});

test("an endless chunked body is cut off, and one that never ends in time", async () => {
  const { app } = await door();
  const port = await listen(app);
  const head = Object.entries(deliveryHeaders("pull_request", "x"))
    .map(([name, value]) => `${name}: ${value}`)
    .join("\r\n");
  const chunk = `10000\r\n${"x".repeat(0x1_00_00)}\r\n`;
  const endless = new Promise<string>((resolve) => {
    let text = "";
    const socket = connect({ host: "127.0.0.1", port }, () => {
      socket.write(`POST ${URL} HTTP/1.1\r\n${head}\r\ntransfer-encoding: chunked\r\n\r\n`);
      const pour = (): void => {
        while (!socket.destroyed && socket.writable && socket.write(chunk));
      };
      socket.on("drain", pour);
      pour();
    });
    socket.on("data", (data) => (text += data.toString()));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve(text));
  });
  expect(await endless).toMatch(/^(HTTP\/1\.1 413 |$)/);
  const short = await rawExchange(
    port,
    `POST ${URL} HTTP/1.1\r\n${head}\r\ncontent-length: 100\r\n\r\n{`,
    REQUEST_TIMEOUT_MS * 2,
  );
  expect([short.closed, short.text]).toEqual([true, expect.stringMatching(/^(HTTP\/1\.1 40[08] |$)/)]);
}, 30_000);

test("a delivery that cannot be recorded now stays pending and is taken up by the next sweep", async () => {
  let down = true;
  const { send, facts, webhook, world } = await door(SECRET, ({ ledger }) => ({
    ledger: {
      ...ledger,
      append: (batch: Parameters<typeof ledger.append>[0]) => {
        if (down) throw new ControlPlaneError("UNAVAILABLE", "the ledger is down", { reason: "DOWN" });
        return ledger.append(batch);
      },
    },
  }));
  expect((await send("push", pushBody())).statusCode).toBe(202);
  await webhook.sweep();
  expect(await world.receipts.pending(10)).toHaveLength(1);
  expect(world.log.lines).toContainEqual(
    expect.objectContaining({ message: expect.stringContaining("stays pending") }),
  );
  down = false;
  expect((await send("push", pushBody(), { "x-github-delivery": guid(9) })).json()).toMatchObject({
    duplicate: true,
  });
  await webhook.sweep();
  expect(await facts()).toHaveLength(1);
  expect(await world.receipts.pending(10)).toEqual([]);
});

test("a receipt that cannot be kept is answered as an outage, without its insides", async () => {
  const { send } = await door(SECRET, ({ receipts }) => ({
    receipts: {
      ...receipts,
      put: () =>
        Promise.reject(
          new ControlPlaneError("UNAVAILABLE", "/srv/state/ledger.db is full", {
            reason: "DATABASE_UNAVAILABLE",
          }),
        ),
    },
  }));
  const response = await send("push", pushBody());
  expect(response.statusCode).toBe(503);
  expect(response.body).not.toContain("/srv/state");
});
