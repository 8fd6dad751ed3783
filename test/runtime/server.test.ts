// The HTTP edge that every door of ours stands on: what it refuses, in which words, and that it ends.
import { connect } from "node:net";
import { Type } from "typebox";
import { afterEach, expect, test } from "vitest";
import { createRouteTable } from "../../shared/runtime/allowed-methods.ts";
import {
  BODY_BYTES_MAX,
  createServer,
  HEADERS_TIMEOUT_MS,
  type Server,
  type ServerOptions,
} from "../../shared/runtime/server.ts";
import { as, listen, rawExchange, rememberingLog, testIdentity } from "../services/door.ts";
import { createVirtualClock } from "../support/clock.ts";

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

function server(options: Partial<ServerOptions> = {}) {
  const log = rememberingLog();
  const app = createServer({ clock: createVirtualClock(), log, identity: testIdentity(), ...options });
  open.push(app);
  const body = Type.Object(
    { reason: Type.String({ minLength: 1 }), count: Type.Optional(Type.Integer()) },
    { additionalProperties: false },
  );
  app.get("/open", { config: { role: "public" } }, async () => ({ open: true }));
  app.get("/who", { config: { role: "viewer" } }, async (request) => request.caller);
  app.post(
    "/things/:thing(^[a-z0-9-]+)::hold",
    { config: { role: "operator" }, schema: { body } },
    async (request) => request.body,
  );
  app.get("/broken", { config: { role: "viewer" } }, async () => {
    throw new Error("the secret inside");
  });
  return { app, log };
}

const post = (
  app: Server,
  payload: string | Buffer,
  contentType = "application/json",
  headers: Record<string, string> = {},
) =>
  app.inject({
    method: "POST",
    url: "/things/a:hold",
    payload,
    headers: { "content-type": contentType, ...as("operator"), ...headers },
  });

const reasonOf = (response: { json(): { error?: { details?: { reason?: string }[] } } }) =>
  response.json().error?.details?.[0]?.reason;

test("a route that names no role cannot be added", () => {
  const { app } = server();
  expect(() => app.get("/forgotten", async () => ({}))).toThrow(/names no role/);
});

test("every answer says that it may not be cached, framed or sniffed, and which request it answers", async () => {
  const { app } = server();
  for (const url of ["/open", "/nowhere", "/who"]) {
    expect((await app.inject({ url })).headers).toMatchObject({
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "referrer-policy": "no-referrer",
      "x-request-id": expect.stringMatching(/^\w+-\d+$/),
    });
  }
});

test("an unknown path is 404 and a wrong method 405 with the right ones, both in AIP-193", async () => {
  const { app } = server();
  const unknown = await app.inject({ url: "/nowhere" });
  expect(unknown.statusCode).toBe(404);
  expect(unknown.json()).toMatchObject({
    error: {
      code: 404,
      status: "NOT_FOUND",
      details: [{ reason: "UNKNOWN_PATH", domain: "signalbox.dev" }, {}],
    },
  });
  const wrong = await app.inject({ method: "DELETE", url: "/things/a:hold" });
  expect([wrong.statusCode, wrong.headers["allow"], reasonOf(wrong)]).toEqual([
    405,
    "POST",
    "METHOD_NOT_ALLOWED",
  ]);
  // Schemathesis found QUERY: Node knows it, and Fastify refuses it for what it lacks before the path is looked up.
  for (const method of ["TRACE", "QUERY"] as const) {
    const response = await app.inject({ method: method as "TRACE", url: "/open" });
    expect([response.statusCode, response.headers["allow"]], method).toEqual([405, "GET, HEAD"]);
  }
});

test("a path that cannot be decoded is 400", async () => {
  const { app } = server();
  const response = await app.inject({ url: "/things/%c0%af:hold" });
  expect([response.statusCode, reasonOf(response)]).toEqual([400, "INVALID_PATH"]);
});

test.each(["127.0.0.1:7420", "localhost", "LOCALHOST:1", "[::1]:7420", "signalbox.example.org:443"])(
  "the host %s is served",
  async (host) => {
    const { app } = server({ hosts: () => ["signalbox.example.org"] });
    expect((await app.inject({ url: "/open", headers: { host } })).statusCode).toBe(200);
  },
);

test.each(["evil.example", "127.0.0.1.evil.example", "localhost.", "localhost@evil.example"])(
  "the host %s is refused",
  async (host) => {
    const { app } = server();
    expect([400, 421]).toContain((await app.inject({ url: "/open", headers: { host } })).statusCode);
  },
);

test("two Host headers are refused", async () => {
  const { app } = server();
  const { text } = await rawExchange(
    await listen(app),
    "GET /open HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
  );
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
});

test.each([
  ["text/plain", "{}", 415],
  ["application/x-www-form-urlencoded", "a=1", 415],
  ["application/json; charset=utf-7", "{}", 415],
  ["application/json", "", 400],
  ["application/json", "{", 400],
  ["application/json", "{} {}", 400],
  ["application/json", '\uFEFF{"reason":"x"}', 400],
  ["application/json", '{"reason":"x","reason":"y"}', 400],
  ["application/json", '{"reason":"x","__proto__":{"admin":true}}', 400],
  ["application/json", '{"reason":"x","constructor":{"prototype":{}}}', 400],
  ["application/json", "[".repeat(100_000), 400],
  ["application/json", "[".repeat(100_000) + "]".repeat(100_000), 400],
  ["application/json; charset=UTF-8", '{"reason":"x"}', 200],
])("a body of %s that is %j answers %i", async (contentType, payload, status) => {
  const { app } = server();
  const response = await post(app, payload, contentType);
  expect(response.statusCode).toBe(status);
  expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
});

test("a body that is not UTF-8, compressed or too large is refused", async () => {
  const { app } = server();
  expect((await post(app, Buffer.from('{"reason":"\xff"}', "latin1"))).statusCode).toBe(400);
  expect((await post(app, "{}", "application/json", { "content-encoding": "gzip" })).statusCode).toBe(415);
  const large = await post(app, JSON.stringify({ reason: "x".repeat(BODY_BYTES_MAX) }));
  expect([large.statusCode, reasonOf(large)]).toEqual([413, "BODY_TOO_LARGE"]);
});

test.each([
  ["{}", "reason", /reason is missing: add it/],
  ['{"reason":""}', "reason", /reason must not have fewer than 1/],
  ['{"reason":"x","role":"admin"}', "role", /role is not a field that is known here/],
  ['{"reason":"x","count":"1"}', "count", /count must be integer/],
  ["[]", "body", /body must be object/],
])("a refusal of %s names the field %s and the remedy", async (payload, field, message) => {
  const { app } = server();
  const response = await post(app, payload);
  expect(response.statusCode).toBe(400);
  expect(response.json().error).toMatchObject({
    status: "INVALID_ARGUMENT",
    message: expect.stringMatching(message),
  });
  expect(response.json().error.details[1]).toMatchObject({ fieldViolations: [{ field }] });
});

test("a defect of ours tells the caller nothing but the request, and the log everything", async () => {
  const { app, log } = server();
  const response = await app.inject({ url: "/broken", headers: as("viewer") });
  expect(response.statusCode).toBe(500);
  expect(response.body).not.toMatch(/secret|Error:|\.ts/);
  expect(response.json().error.message).toContain(response.headers["x-request-id"]);
  expect(log.lines).toMatchObject([
    {
      level: "error",
      fields: { error: { message: "the secret inside" }, request: response.headers["x-request-id"] },
    },
  ]);
});

test("a request whose headers drip is closed in seconds, and others are served meanwhile", async () => {
  const { app } = server();
  const port = await listen(app);
  const started = performance.now();
  const slow = rawExchange(port, "GET /open HTTP/1.1\r\nHost: local", HEADERS_TIMEOUT_MS * 3);
  const other = await rawExchange(port, "GET /open HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  expect(other.text).toMatch(/^HTTP\/1\.1 200 /);
  const { text, closed } = await slow;
  expect(closed).toBe(true);
  expect(text).toMatch(/^HTTP\/1\.1 408 /);
  expect(performance.now() - started).toBeLessThan(HEADERS_TIMEOUT_MS + 4_000);
});

test.each([
  [
    "both lengths",
    "POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  ["a folded header", "GET /open HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n 2\r\n\r\n", 400],
  ["no host", "GET /open HTTP/1.1\r\n\r\n", 400],
  ["NUL", "GET /open HTTP/1.1\r\nHost: localhost\r\nX-A: \0\r\n\r\n", 400],
  ["20 KB of headers", `GET /open HTTP/1.1\r\nHost: localhost\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n`, 431],
])("a request with %s is refused and its connection closed", async (_what, bytes, status) => {
  const { app } = server();
  const { text, closed } = await rawExchange(await listen(app), bytes);
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(closed).toBe(true);
});

test("closing ends in seconds: an answer under way is given, a half-sent request is cut off", async () => {
  const { app } = server({ drainMs: 300 });
  let answer: (() => void) | undefined;
  app.get(
    "/slow",
    { config: { role: "public" } },
    () => new Promise((resolve) => (answer = () => resolve({ done: true }))),
  );
  const port = await listen(app);
  const half = connect({ host: "127.0.0.1", port }, () => half.write("GET /open HT"));
  half.on("error", () => half.destroy());
  const reply = rawExchange(port, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await expect.poll(() => answer).toBeDefined();
  const closing = performance.now();
  const closed = app.close();
  await expect.poll(() => app.server.listening).toBe(false);
  answer?.();
  expect((await reply).text).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*\{"done":true\}/i);
  await closed;
  expect(performance.now() - closing).toBeLessThan(2_000);
});

test("patterns of routes match the paths that the router matches", () => {
  const table = createRouteTable();
  table.add("GET", "/v1/stacks/:stack");
  table.add("POST", "/v1/stacks/:stack/plans/:plan(^[a-z0-9-]+)::approve");
  expect(table.methods("/v1/stacks/a")).toEqual(["GET"]);
  expect(table.methods("/v1/stacks/a/plans/p-1:approve")).toEqual(["POST"]);
  expect(table.methods("/v1/stacks/a/plans/p-1:deny")).toEqual([]);
  expect(table.methods("/v1/stacks/a/b")).toEqual([]);
});
