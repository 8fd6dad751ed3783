// The schemas of all routes, compiled at once. A server compiles each at the first request that needs it, so that it starts fast:
// without this, one that cannot be compiled would be found by whoever asks first.
import select from "@fastify/fast-json-stringify-compiler";
import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from "fastify";
import { Type } from "typebox";
import { expect, onTestFinished, test } from "vitest";
import { createConsole } from "../../services/console/console.ts";
import { eventPushRoutes } from "../../services/api/routes/events-push.ts";
import { sweepRoutes } from "../../services/webhook/sweep-routes.ts";
import { createWebhook } from "../../services/webhook/webhook.ts";
import { probeRoutes } from "../../shared/runtime/probes.ts";
import { compileValidator } from "../../shared/runtime/request-validator.ts";
import { createServer } from "../../shared/runtime/server.ts";
import { createSessions } from "../../shared/runtime/sessions.ts";
import { createMemoryGrants } from "../support/memory-grants.ts";
import { importsOf, readSource, sourceFiles } from "../support/source-files.ts";
import { createWorld } from "../support/world.ts";
import { testIdentity } from "./door.ts";
import { SECRET } from "./github-delivery.ts";
import { wholeApi } from "./whole-api.ts";

const ROUTES_MIN = 90;
const nothing = async (): Promise<void> => {};

/** The other doors: console, webhook with its schedule, and the topic's. */
async function otherRoutes(): Promise<readonly RouteOptions[]> {
  const world = createWorld({});
  const { clock, log } = world;
  const sessions = createSessions(createMemoryGrants(), clock);
  const traffic = { read: async () => undefined, list: async () => [] };
  const door = { guard: nothing, subscription: "projects/p/subscriptions/s" };
  const seen: RouteOptions[] = [];
  const plugins = [
    createConsole({ ...world, traffic, sessions }),
    createWebhook({ ...world, secrets: { get: async () => SECRET } }).routes,
    sweepRoutes({ ...door, sweep: nothing, clock }),
    eventPushRoutes({ ...world, ...door, door: () => Promise.reject(new Error("nobody is heard")) }),
    probeRoutes(),
  ];
  for (const plugin of plugins) {
    const app = createServer({ clock, log, identity: testIdentity(), sessions });
    app.addHook("onRoute", (route) => void seen.push(route));
    await app.register(plugin);
    await app.ready();
    onTestFinished(() => app.close());
  }
  onTestFinished(() => world.close());
  return seen;
}

/** A server with the compilers of ours, which work at once. */
function eagerServer(): FastifyInstance {
  const buildValidator = () => (route: Parameters<typeof compileValidator>[0]) => {
    const validate = compileValidator(route);
    validate({});
    return validate;
  };
  const compilersFactory = { buildValidator: buildValidator as never, buildSerializer: select() };
  const app = Fastify({ schemaController: { compilersFactory } });
  onTestFinished(() => app.close());
  return app;
}

/** What is wrong with the schema of a route, or undefined. */
async function problemOf(route: Pick<RouteOptions, "method" | "url"> & { readonly schema?: FastifySchema }) {
  const { method, url, schema = {} } = route;
  try {
    const app = eagerServer();
    app.route({ method, url, schema, handler: () => undefined });
    await app.ready();
    return undefined;
  } catch (error) {
    return `${[method].flat().join()} ${url}: ${(error as Error).message}`;
  }
}

test(
  "every schema of every route can be compiled, for what is asked and for what is answered",
  { timeout: 60_000 },
  async () => {
    const { routes } = await wholeApi();
    const all = [...routes, ...(await otherRoutes())].filter(({ method }) => method !== "HEAD");
    expect(all.length).toBeGreaterThan(ROUTES_MIN);
    for (const part of ["params", "querystring", "body", "response"] as const)
      expect(
        all.some(({ schema }) => schema?.[part] !== undefined),
        part,
      ).toBe(true);
    const problems = await Promise.all(all.map(problemOf));
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  },
);

test.each([
  ["a path", { params: Type.Object({ id: Type.String({ pattern: "(" }) }) }],
  ["a query", { querystring: Type.Object({ q: Type.String({ pattern: "[" }) }) }],
  ["a body", { body: Type.Object({ a: Type.String({ pattern: "(" }) }) }],
  ["an answer", { response: { 200: { type: "object", properties: { a: { type: "nonsense" } } } } }],
  [
    "an answer of a media type",
    { response: { 200: { content: { "text/x": { schema: { $ref: "#/no" } } } } } },
  ],
] as const)("a schema of %s that cannot be compiled is found", async (_where, schema) => {
  expect(await problemOf({ method: "POST", url: "/v1/things/:id", schema })).toMatch(
    /^POST \/v1\/things\/:id: /,
  );
});

test("every file of a service that makes routes is reached from here", () => {
  const reached = new Set(["test/services/route-schemas.test.ts"]);
  for (const path of reached)
    for (const { to, typeOnly } of importsOf(path)) if (!typeOnly && to.endsWith(".ts")) reached.add(to);
  const made = sourceFiles(".ts").filter(
    (path) =>
      path.startsWith("services/") && /\bapp\.(get|post|put|patch|delete|route)\(/.test(readSource(path)),
  );
  expect(made.length).toBeGreaterThan(20);
  expect(made.filter((path) => !reached.has(path))).toEqual([]);
});
