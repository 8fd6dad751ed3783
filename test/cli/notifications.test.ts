// Notifications on a control plane that runs: configured by a file, tested, sent, listed and sent again.
import { createHmac } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestInstallation, type TestInstallation } from "../support/installation.ts";
import { startReceiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { type Called, callCli } from "./call-cli.ts";

const SETUP_MS = 60_000;

let installation: TestInstallation;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let status = 200;

const cli = (...argv: readonly string[]): Promise<Called> =>
  callCli(["--state", installation.state.root, ...argv]);

function configure(text: string, mode = 0o600): void {
  const path = installation.state.path("notifications.json");
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
}

beforeAll(async () => {
  receiver = await startReceiver(() => ({ status }));
  installation = await startTestInstallation();
  const { state, url, gatewayUrl } = installation;
  writeFileSync(state.path("server.json"), JSON.stringify({ pid: process.pid, url, gatewayUrl }));
}, SETUP_MS);
afterAll(async () => {
  await installation.close();
  await receiver.close();
});
beforeEach(() => {
  status = 200;
  receiver.received.length = 0;
});

test("without a channel `test` says which file to write", async () => {
  const { code, err } = await cli("notifications", "test");
  expect(code).toBe(1);
  expect(err).toContain("notifications.json");
});

test("`test` delivers at once, signed with the secret of the state folder", async () => {
  configure(JSON.stringify({ url: receiver.url }));
  const { code, out } = await cli("notifications", "test");
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/^Delivered: the receiver answered 200 within \d+ ms\.\n$/),
  ]);
  const [{ headers, body }] = receiver.received as [(typeof receiver.received)[number]];
  const secret = readFileSync(installation.state.path("secrets", "notifications"), "utf8").trim();
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  expect(headers["webhook-signature"]).toBe(
    `v1,${createHmac("sha256", key).update(signed).digest("base64")}`,
  );
  expect(installation.log()).not.toContain(secret);
});

test("`test` fails with the receiver's answer, and is not tried again", async () => {
  status = 500;
  const { code, err } = await cli("notifications", "test");
  expect([code, err]).toEqual([1, "The test was not delivered: The receiver answered 500.\n"]);
  const { out } = await cli("notifications", "list", "--limit", "1");
  expect(out).toMatch(/notification\.test +FAILED +1 /);
});

test.each([
  ["is no JSON", "{", 0o600, /JSON/],
  [
    "others can read",
    JSON.stringify({ url: "https://hooks.example.com/T0/secret-part" }),
    0o644,
    /chmod 600/,
  ],
  [
    "has no encryption",
    JSON.stringify({ url: "http://hooks.example.com/T0/secret-part" }),
    0o600,
    /not encrypted/,
  ],
  [
    "leads to the inside",
    JSON.stringify({ url: "https://169.254.169.254/T0/secret-part" }),
    0o600,
    /not on the public Internet/,
  ],
  [
    "has an unknown field",
    JSON.stringify({ url: "https://hooks.example.com/x", colour: "red" }),
    0o600,
    /colour/,
  ],
])("a file that %s is refused with what to mend, without its secret part", async (_, text, mode, said) => {
  configure(text, mode);
  const { code, err } = await cli("notifications", "test");
  expect(code).toBe(1);
  expect(err).toMatch(said);
  expect(err).not.toContain("secret-part");
});

test("a dead letter reaches the receiver, is listed, and can be sent again", async () => {
  configure(JSON.stringify({ url: receiver.url, format: "slack" }));
  const letter = { service: "registry", reason: "INVALID", message: "cannot be read", payload: null };
  await installation.adapters.deadLetters.put({
    id: "registry/f1",
    ...letter,
    time: "2026-01-02T03:04:05.000Z",
  });
  await until("the dead letter is told", () => receiver.received.at(0));
  expect(JSON.parse(receiver.received[0]?.body ?? "")).toEqual({
    text: expect.stringContaining("cannot be read") as string,
  });
  const entry = await until("it is delivered", async () => {
    const { out } = await cli("notifications", "list", "--json");
    const rows = JSON.parse(out) as readonly { name: string; type: string; state: string }[];
    return rows.find(({ type, state }) => type === "message.dead_lettered" && state === "DELIVERED");
  });
  const id = entry.name.replace("notifications/", "");
  const shown = await cli("notifications", "show", id);
  expect(shown.out).toContain("deadLetters/registry-f1");
  expect((await cli("notifications", "redeliver", id)).code).toBe(0);
  const again = await until("it is sent again", () => receiver.received.at(1));
  expect(again.headers["webhook-id"]).toBe(receiver.received[0]?.headers["webhook-id"]);
});

test("only an operator sends, and an unknown id is not found", async () => {
  const asViewer = await cli("--as", "ada", "notifications", "test");
  expect(asViewer.code).toBe(4);
  expect((await cli("notifications", "redeliver", "0123abcd")).code).toBe(3);
});
