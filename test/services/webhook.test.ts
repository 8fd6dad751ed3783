// The webhook through its door: what is kept, and that nothing happens twice.
import { connect } from "node:net";
import { expect, test } from "vitest";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { REQUEST_TIMEOUT_MS } from "../../shared/runtime/server.ts";
import { BODY_BYTES_MAX, TAKEN_BODY_BYTES_MAX } from "../../services/webhook/raw-body.ts";
import { listen, rawExchange } from "./door.ts";
import { deliveryHeaders, guid, pullRequestBody, pushBody, SECRET } from "./github-delivery.ts";
import { door, URL } from "./webhook-door.ts";

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
