// Who may deliver: every way to sign wrongly, and the two secrets of a rotation.
import { expect, test } from "vitest";
import { listen, rawExchange } from "./door.ts";
import { deliveryHeaders, guid, pullRequestBody, SECRET, sign } from "./github-delivery.ts";
import { door, URL } from "./webhook-door.ts";

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
