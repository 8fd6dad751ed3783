// Whoever takes more than their part: floods, connections that are only held open, bodies that never end. The others are served.
import type { Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { LARGE_BODIES_MAX } from "../../services/webhook/raw-body.ts";
import { CONNECTIONS_MAX } from "../../shared/runtime/connections.ts";
import { HEADERS_TIMEOUT_MS } from "../../shared/runtime/server.ts";
import {
  CALLER_BURST_MAX,
  DELIVERIES_IN_FLIGHT_EACH_MAX,
  STRANGER_BURST_MAX,
} from "../../shared/runtime/shedding.ts";
import { attacked, expectUnharmed, servesTwice, VICTIM } from "./attacked.ts";

const ATTACK_MS = 60_000;
const door = attacked();
const { at, as, send, post } = door;

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});
const hold = async (): Promise<Socket> => {
  const socket = await door.socket();
  open.push(socket);
  // Whoever does not read does not see that the other side has closed.
  socket.resume();
  return socket;
};
const closed = (socket: Socket): Promise<void> =>
  socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once("close", () => resolve()));

let pressed = 0;
/** Somebody presses the button; it must work, whatever goes on. */
async function rollBack(): Promise<void> {
  pressed += 1;
  await servesTwice(at());
  const body = JSON.stringify({
    reason: "it fails",
    from: "teams/default/models/ranker/versions/2",
    requestId: `press-${pressed}`,
  });
  const answer = await post(`/v1/${VICTIM}:rollback`, body, "ada");
  expect(answer.text).toContain('"alreadyMoved":false');
  expect(answer.status).toBe(200);
}

beforeAll(() => servesTwice(at()));

describe("a flood", { timeout: ATTACK_MS }, () => {
  test("row 75: of one caller is shed with 429 and Retry-After; others, and that caller's own rollback, are served", async () => {
    const [, authorization] = as("ada");
    const { statuses, text } = await door.pipelined("/v1/stacks", authorization, CALLER_BURST_MAX + 1_000);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(text).toMatch(/^retry-after: [1-9]\d*\r$/im);
    expect(text).toContain("RESOURCE_EXHAUSTED");
    const flood = door.pipelined("/v1/stacks", authorization, 2_000);
    await rollBack();
    expect((await send("GET", "/v1/stacks", [as("grace")])).status).toBe(200);
    expect((await flood).statuses).toContain(429);
  });

  test("of strangers is shed with 429, and is a few lines in the log", async () => {
    const before = at().log().length;
    const { statuses } = await door.pipelined("/v1/stacks", "Bearer sbx_guess", STRANGER_BURST_MAX + 800);
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    expect((await send("GET", "/v1/stacks", [as("grace")])).status).toBe(200);
    await rollBack();
    const told = at().log().slice(before).split("\n");
    expect(told.filter((line) => line.includes("some were refused with 429")).length).toBeLessThan(5);
    expect(told.length).toBeLessThan(statuses.length / 2);
  });

  test("of unknown paths is shed with 429", async () => {
    const { statuses } = await door.pipelined("/admin", "Bearer sbx_guess", STRANGER_BURST_MAX + 800);
    expect(statuses).toContain(429);
    expect(statuses.every((status) => status === 404 || status === 429)).toBe(true);
    await expectUnharmed(door);
  });

  test("of deliveries at once is shed with 429 before their bodies are read, and the button works", async () => {
    const head =
      "POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-github-event: push\r\n" +
      `x-hub-signature-256: sha256=${"0".repeat(64)}\r\ncontent-length: 100000\r\n\r\n{"half":`;
    const sockets = await Promise.all(Array.from({ length: DELIVERIES_IN_FLIGHT_EACH_MAX + 60 }, hold));
    const texts = sockets.map((socket) => {
      const heard = { text: "" };
      socket.on("data", (chunk) => (heard.text += chunk.toString()));
      socket.write(head);
      return heard;
    });
    await expect
      .poll(() => texts.filter(({ text }) => text.startsWith("HTTP/1.1 429 ")).length, { timeout: 5_000 })
      .toBe(60);
    expect(texts.find(({ text }) => text !== "")?.text).toMatch(/retry-after: 1\r\n/i);
    await rollBack();
    for (const socket of sockets) socket.destroy();
    await expect.poll(async () => (await door.deliver("{}")).status, { timeout: 5_000 }).toBe(202);
  });
});

describe("a slow sender", { timeout: ATTACK_MS }, () => {
  test("row 30: slow headers and slow bodies are cut off in seconds, and others are served meanwhile", async () => {
    const headers = await hold();
    headers.write("GET /healthz HTTP/1.1\r\nHost: local");
    const silent = await hold();
    const body = await hold();
    body.write(
      `POST /v1/${VICTIM}:rollback HTTP/1.1\r\nhost: localhost\r\n${as("grace").join(": ")}\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{`,
    );
    const drip = setInterval(() => body.write(" "), 500);
    try {
      await rollBack();
      await Promise.all([closed(headers), closed(silent)]);
      await closed(body);
    } finally {
      clearInterval(drip);
    }
    await expectUnharmed(door);
  });

  test("row 30: two thousand connections that say nothing close the oldest of themselves, and others are served", async () => {
    const sockets: Socket[] = [];
    for (let batch = 0; batch < 20; batch += 1)
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, hold))));
    await expect
      .poll(() => sockets.filter((socket) => socket.closed).length, { timeout: HEADERS_TIMEOUT_MS })
      .toBeGreaterThanOrEqual(sockets.length - CONNECTIONS_MAX);
    await rollBack();
    expect((await send("GET", "/v1/stacks", [as("grace")])).status).toBe(200);
    await Promise.all(sockets.map(closed));
  });

  test("row 29: large bodies of unproven senders have a few places in memory, and the next is told to come back", async () => {
    const head = (event: string) =>
      `POST /webhooks/github HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-github-event: ${event}\r\n` +
      `x-hub-signature-256: sha256=${"0".repeat(64)}\r\ncontent-length: 20000000\r\n\r\n`;
    const sockets = await Promise.all(Array.from({ length: LARGE_BODIES_MAX + 1 }, hold));
    const heard = sockets.map((socket) => {
      const so = { text: "" };
      socket.on("data", (chunk) => (so.text += chunk.toString()));
      socket.write(head("workflow_run"));
      socket.write(Buffer.alloc(3_000_000, 32));
      return so;
    });
    await expect
      .poll(() => heard.filter(({ text }) => text.startsWith("HTTP/1.1 429 ")).length, { timeout: 5_000 })
      .toBe(1);
    expect((await door.deliver("{}")).status).toBe(202);
  });
});
