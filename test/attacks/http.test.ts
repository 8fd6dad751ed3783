// HTTP that is not what it should be, byte by byte, through the composed door.
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { BODY_BYTES_MAX } from "../../shared/runtime/server.ts";
import { attacked, expectUnharmed, VICTIM } from "./attacked.ts";

const ATTACK_MS = 30_000;
const door = attacked();
const { at, as, send, post, raw } = door;
const HOST = "Host: localhost\r\n";
const bearer = (): string => `Authorization: ${as("grace")[1]}\r\n`;
const RESUME = `/v1/${VICTIM}:resume`;
const JSON_TYPE = ["content-type", "application/json"] as const;

describe("bytes that could be read in two ways", { timeout: ATTACK_MS }, () => {
  const inner = `POST ${RESUME} HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 14\r\n`;
  test.each<[string, (smuggled: string) => string]>([
    [
      "row 32: both a length and chunks",
      (more) =>
        `POST /healthz HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${more}`,
    ],
    [
      "row 32: chunks, hidden by a blank before the colon",
      (more) => `POST /healthz HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${more}`,
    ],
    [
      "row 32: chunks of an unknown coding",
      (more) => `POST /healthz HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${more}`,
    ],
    [
      "row 32: chunks twice",
      (more) =>
        `POST /healthz HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${more}`,
    ],
    [
      "row 32: a chunk's size that is no number",
      (more) =>
        `POST /webhooks/github HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n${more}`,
    ],
    [
      "row 32: two lengths",
      (more) => `POST /healthz HTTP/1.1\r\n${HOST}Content-Length: 0\r\nContent-Length: 5\r\n\r\n${more}`,
    ],
    [
      "row 32: a length with a sign",
      (more) => `POST /healthz HTTP/1.1\r\n${HOST}Content-Length: +0\r\n\r\n${more}`,
    ],
    [
      "row 32: a length in hexadecimal",
      (more) => `POST /healthz HTTP/1.1\r\n${HOST}Content-Length: 0x0\r\n\r\n${more}`,
    ],
    ["row 32: a folded header", (more) => `GET /healthz HTTP/1.1\r\n${HOST}X-A: 1\r\n 2\r\n\r\n${more}`],
    [
      "row 32: a bare line feed in the head",
      (more) => `GET /healthz HTTP/1.1\r\n${HOST}X-A: 1\nX-B: 2\r\n\r\n${more}`,
    ],
    [
      "row 32: a bare carriage return in a header",
      (more) => `GET /healthz HTTP/1.1\r\n${HOST}X-A: 1\rX-B: 2\r\n\r\n${more}`,
    ],
    ["row 32: NUL in a header", (more) => `GET /healthz HTTP/1.1\r\n${HOST}X-A: \0\r\n\r\n${more}`],
    [
      "row 32: two hosts",
      (more) => `GET /healthz HTTP/1.1\r\n${HOST}Host: evil.example\r\nConnection: close\r\n\r\n${more}`,
    ],
    ["row 32: no host", (more) => `GET /healthz HTTP/1.1\r\n\r\n${more}`],
    ["row 32: a method that is none", (more) => `GE T /healthz HTTP/1.1\r\n${HOST}\r\n${more}`],
    ["row 32: another protocol", (more) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${more}`],
  ])("%s are 400, the connection ends, and what is smuggled behind is not read", async (_row, bytes) => {
    const { text, closed } = await raw(bytes(`${inner}${bearer()}\r\n{"reason":"x"}`));
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(closed).toBe(true);
    expect(text).not.toMatch(/\bat .*\.ts|node_modules/);
    await expectUnharmed(door);
  });

  test("a connection whose sender goes away half-way is forgotten", async () => {
    for (const bytes of [
      "GET /hea",
      `POST ${RESUME} HTTP/1.1\r\n${HOST}${bearer()}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
    ]) {
      const socket = await door.socket();
      socket.resume();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.end(bytes);
      await closed;
    }
    await expectUnharmed(door);
  });

  test("a connection that is reset in the middle of a body leaves no line of ours that calls it a defect", async () => {
    const socket = await door.socket();
    socket.write(
      `POST ${RESUME} HTTP/1.1\r\n${HOST}${bearer()}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{`,
    );
    await send("GET", "/healthz");
    socket.resetAndDestroy();
    await expectUnharmed(door);
  });
});

describe("sizes", { timeout: ATTACK_MS }, () => {
  test.each([
    [
      "row 31: 20 KB of one header",
      () => `GET /healthz HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(20_000)}\r\n\r\n`,
      431,
    ],
    [
      "row 31: 200 headers",
      () => `GET /healthz HTTP/1.1\r\n${HOST}${"X-A: 1\r\n".repeat(200)}Connection: close\r\n\r\n`,
      431,
    ],
    [
      "row 31: 3,000 headers",
      () => `GET /healthz HTTP/1.1\r\n${HOST}${"A:1\r\n".repeat(3_000)}Connection: close\r\n\r\n`,
      431,
    ],
    ["row 31: an address of 17 KB", () => `GET /${"a".repeat(17_000)} HTTP/1.1\r\n${HOST}\r\n`, 431],
    [
      "row 31: a name of 1 KB",
      () => `GET /v1/stacks/${"a".repeat(1_000)} HTTP/1.1\r\n${HOST}${bearer()}Connection: close\r\n\r\n`,
      414,
    ],
  ])("%s are refused", async (_row, bytes, status) => {
    expect((await raw(bytes())).text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    await expectUnharmed(door);
  });

  test("row 29: a body that never ends is cut off at the limit", async () => {
    const socket = await door.socket();
    const heard = { text: "" };
    socket.on("data", (chunk) => (heard.text += chunk.toString()));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(
      `POST ${RESUME} HTTP/1.1\r\n${HOST}${bearer()}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const feed = (): void => {
      while (socket.writable && heard.text === "" && socket.write(chunk));
      if (socket.writable && heard.text === "") socket.once("drain", feed);
    };
    feed();
    await expect.poll(() => heard.text, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
    await closed;
    await expectUnharmed(door);
  });

  test("row 29: a body over the limit is 413", async () => {
    const answer = await post(RESUME, JSON.stringify({ reason: "x".repeat(BODY_BYTES_MAX) }), "grace");
    expect([answer.status, answer.reason]).toEqual([413, "BODY_TOO_LARGE"]);
  });

  test("row 36: a gzip bomb is 415 and never inflated", async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    const headers = [as("grace"), JSON_TYPE, ["content-encoding", "gzip"]] as const;
    for (let again = 0; again < 5; again += 1)
      expect((await send("POST", RESUME, headers, bomb)).status).toBe(415);
    expect(
      (await send("POST", RESUME, [as("grace"), JSON_TYPE, ["content-encoding", "br"]], bomb)).status,
    ).toBe(415);
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
  });
});

describe("addresses and methods", () => {
  test.each([
    ["row 34", "PUT", RESUME, 405],
    ["row 34", "DELETE", "/v1/stacks", 405],
    ["row 34", "TRACE", "/healthz", 405],
    ["row 34", "OPTIONS", "/v1/stacks", 405],
    ["row 34", "GET", "/no/such/path", 404],
    ["row 34", "GET", "//v1//stacks", 404],
    ["row 34", "GET", "/v1/../v1/stacks", 404],
    ["row 34", "GET", "/v1/..%2fv1/stacks", 404],
    ["row 34", "GET", "/%2e%2e/%2e%2e/etc/passwd", 404],
    ["row 34", "GET", "/v1/stacks/%c0%ae%c0%ae", 400],
    ["row 34", "GET", "/v1/stacks/%", 400],
    ["row 34", "GET", "/v1/builds/..%2f..%2fsecrets/logs", 400],
    ["row 34", "GET", "/v1/stacks/%00", 400],
    ["row 34", "GET", "/V1/STACKS", 404],
    ["row 82", "GET", "/debug", 404],
    ["row 82", "GET", "/.env", 404],
    ["row 82", "GET", "/secrets/github-webhook", 404],
    ["row 82", "GET", "/ledger.db", 404],
    ["row 82", "GET", "/.git/config", 404],
  ])("%s: %s %s answers %i, at once", async (_row, method, path, status) => {
    const answer = await send(method, path, [as("admin")]);
    expect([400, 404]).toContain(status === 405 ? 404 : status);
    if (status === 405) expect(answer.status).toBe(405);
    else expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toMatch(/root:|node_modules|\.ts:\d/);
  });

  test("row 34: CONNECT and an upgrade open no tunnel", async () => {
    expect((await raw(`CONNECT evil.example:443 HTTP/1.1\r\n${HOST}\r\n`, 3_000)).text).not.toMatch(
      /^HTTP\/1\.1 2/,
    );
    const upgrade = await raw(
      `GET /healthz HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      3_000,
    );
    expect(upgrade.text).not.toMatch(/^HTTP\/1\.1 101/);
    await expectUnharmed(door);
  });

  test("row 82: no answer says what it is made with, and /metrics and /v1 tell strangers nothing", async () => {
    for (const path of ["/", "/healthz", "/v1/stacks", "/metrics", "/no/such", "/v1/openapi.json"]) {
      const { headers, text, status } = await send("GET", path);
      expect(Object.keys(headers)).not.toContain("x-powered-by");
      expect(Object.keys(headers)).not.toContain("server");
      expect(text).not.toMatch(/fastify|node_modules|\.ts:\d/i);
      expect([path, status]).toEqual([path, path === "/healthz" ? 200 : path === "/no/such" ? 404 : 401]);
    }
  });

  test("row 33: line ends in names reach no header, and one line of the log", async () => {
    const before = at().log().length;
    for (const name of ["a%0d%0aX-Evil:%201", "a%0aSet-Cookie:%20x=1", "%e2%80%a8x", "a%1b%5b2Jb"]) {
      const { headers, status } = await send("GET", `/v1/teams/default/models/${name}`, [as("admin")]);
      expect([400, 404]).toContain(status);
      expect(Object.keys(headers)).not.toContain("x-evil");
      expect(Object.keys(headers)).not.toContain("set-cookie");
    }
    for (const line of at()
      .log()
      .slice(before)
      .split("\n")
      .filter((text) => text !== ""))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
    expect(at().log().slice(before)).not.toMatch(/[^\n\P{Cc}]|\u2028/u);
  });
});
