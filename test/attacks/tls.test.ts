// The same attacks where the door speaks TLS: connections that never say hello, that do not speak TLS, and too many of them.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CONNECTIONS_MAX } from "../../shared/runtime/connections.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { openTls, type Tls } from "../../shared/runtime/tls.ts";
import { listen, rawExchange, rememberingLog } from "../services/door.ts";
import { makeCertificate } from "../support/certificates.ts";
import { createVirtualClock } from "../support/clock.ts";

const ATTACK_MS = 30_000;
const log = rememberingLog();
const folder = mkdtempSync(join(tmpdir(), "signalbox-tls-"));
let tls: Tls;
beforeAll(async () => {
  const { cert, key } = makeCertificate(folder, "door", ["127.0.0.1"]);
  tls = await openTls({ certFile: cert, keyFile: key }, log);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function door(): Promise<{
  readonly port: number;
  readonly answer: () => void;
  readonly asked: () => boolean;
}> {
  let answer: (() => void) | undefined;
  const app = createServer({ clock: createVirtualClock(), log, tls, drainMs: 100 });
  app.get(
    "/slow",
    { config: { role: "public", lane: "unbounded" } },
    () => new Promise((resolve) => (answer = () => resolve({ done: true }))),
  );
  app.get("/open", { config: { role: "public", lane: "unbounded" } }, async () => ({ open: true }));
  const port = await listen(app);
  onTestFinished(() => app.close());
  return { port, answer: () => answer?.(), asked: () => answer !== undefined };
}

async function silent(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  socket.resume();
  sockets.push(socket);
  return socket;
}

function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port, path, rejectUnauthorized: false, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("end", () => resolve(text));
        response.on("error", reject);
      },
    );
    call.on("error", reject);
    call.end();
  });
}

describe("row 30: a door that speaks TLS", { timeout: ATTACK_MS }, () => {
  test("cuts off who never begins to speak it", async () => {
    const { port } = await door();
    const socket = await silent(port);
    await once(socket, "close");
    const halfway = await silent(port);
    halfway.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    await once(halfway, "close");
    expect(await ask(port, "/open")).toBe('{"open":true}');
  });

  test("ends a connection that does not speak it, with and without a request", async () => {
    const { port } = await door();
    for (const bytes of [
      "GET /open HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "\0\0\0\0\0\0\0\0",
      "SSH-2.0-x\r\n",
    ]) {
      const { text, closed } = await rawExchange(port, bytes);
      expect(closed).toBe(true);
      expect(text).not.toContain("open");
    }
    expect(await ask(port, "/open")).toBe('{"open":true}');
  });

  test("closes silent connections for new ones, and never one whose request is under way", async () => {
    const { port, answer, asked } = await door();
    const slow = ask(port, "/slow");
    await expect.poll(asked).toBe(true);
    const waiting: Socket[] = [];
    for (let batch = 0; batch < Math.ceil(CONNECTIONS_MAX / 100) + 1; batch += 1)
      waiting.push(...(await Promise.all(Array.from({ length: 100 }, () => silent(port)))));
    await expect.poll(() => waiting.filter((socket) => socket.closed).length).toBeGreaterThan(0);
    expect(await ask(port, "/open")).toBe('{"open":true}');
    answer();
    expect(await slow).toBe('{"done":true}');
  });
});
