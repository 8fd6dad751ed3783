// `validateOnly` (AIP-163): the same checks and the same answer, and nothing changes.
import { describe, expect, onTestFinished, test } from "vitest";
import { createServingWorld, type ServingWorld } from "../support/serving-world.ts";
import { ENDPOINT, QUICK_POLICY, rolloutOf } from "../support/simulated-serving.ts";
import { apiDoor } from "./api-door.ts";
import { as } from "./door.ts";
import { wholeApi } from "./whole-api.ts";

const SLOW = { ...QUICK_POLICY, step: { minSeconds: 3_600, minRequests: 40 }, timeLimit: "12h" };

async function servingTwo(): Promise<ServingWorld> {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  await world.configure(SLOW);
  for (const id of [1, 2]) await world.register(id);
  await world.until(
    "version 2 is at its first step",
    async () => (await world.rollout(rolloutOf(2)))["step"] === 0 && (await percentOf(world, 2)) > 0,
  );
  return world;
}

const percentOf = async (world: ServingWorld, id: number): Promise<number> =>
  Number((await world.rollout(rolloutOf(id)))["weight"] ?? 0);

async function everything(world: ServingWorld) {
  const facts = await world.ledger.list({ limit: 1_000, order: "oldest-first" });
  return { facts: facts.facts.map(({ id }) => id), traffic: (await world.trafficNow()).document };
}

/** An answer without what differs between two calls. */
const lasting = (answer: { body?: unknown }): unknown =>
  JSON.parse(JSON.stringify(answer, (key, value: unknown) => (key === "milliseconds" ? 0 : value)));

describe("a call that only validates", () => {
  test.each([
    ["advance", "ada", rolloutOf(2), { reason: "seen enough" }],
    ["pause", "ada", rolloutOf(2), { reason: "wait" }],
    ["abort", "ada", rolloutOf(2), { reason: "wrong artifact" }],
    ["rollback", "ada", ENDPOINT, { reason: "errors" }],
  ])(":%s answers what the call then answers, and changes nothing", async (verb, who, name, body) => {
    const world = await servingTwo();
    const before = await everything(world);
    const rehearsed = await world.call(who, `${name}:${verb}`, { ...body, validateOnly: true });
    expect(rehearsed.status).toBe(200);
    expect(await everything(world)).toEqual(before);
    const real = await world.call(who, `${name}:${verb}`, body);
    expect(lasting(rehearsed)).toEqual(lasting(real));
    expect(await everything(world)).not.toEqual(before);
  });

  test("is refused as the call would be", async () => {
    const world = await servingTwo();
    for (const [who, path, body] of [
      ["ada", `${rolloutOf(2)}:retry`, { reason: "again" }],
      ["ada", `${ENDPOINT}:rollback`, { reason: "x", to: ENDPOINT }],
      ["vic", `${ENDPOINT}:rollback`, { reason: "x" }],
    ] as const) {
      const rehearsed = await world.call(who, path, { ...body, validateOnly: true });
      const real = await world.call(who, path, body);
      expect(rehearsed.status, path).toBeGreaterThanOrEqual(400);
      expect([rehearsed.status, rehearsed.error?.reason]).toEqual([real.status, real.error?.reason]);
    }
  });
});

test("an event that is only validated leaves its id free, and its handlers cannot record", async () => {
  const { app, world } = await apiDoor();
  const event = {
    specversion: "1.0",
    id: "e-1",
    source: "//train",
    type: "dev.signalbox.model-version.registered.v1",
    data: { model: "ranker", artifact: { uri: "file:///a", digest: `sha256:${"0".repeat(64)}` } },
  };
  const headers = { ...as("engineer"), "content-type": "application/cloudevents+json" };
  const send = (query: string) =>
    app.inject({ method: "POST", url: `/v1/events${query}`, headers, payload: JSON.stringify(event) });
  const rehearsed = await send("?validateOnly=true");
  expect(rehearsed.statusCode).toBe(202);
  const cause = /event\/\w+/;
  expect(JSON.stringify(await world.ledger.list({ limit: 10, order: "oldest-first" }))).not.toMatch(cause);
  const other = { ...event, data: { ...event.data, version: "7" } };
  const real = await app.inject({
    method: "POST",
    url: "/v1/events",
    headers,
    payload: JSON.stringify(other),
  });
  expect(real.statusCode).toBe(202);
  expect((await send("")).statusCode).toBe(409);
});

test("every method by which people change something can be asked to validate only", async () => {
  const { app } = await wholeApi();
  const { paths } = (await app.inject({ url: "/v1/openapi.json", headers: as("viewer") })).json<{
    paths: Record<string, Record<string, object>>;
  }>();
  const without = Object.entries(paths)
    .filter(([, methods]) => "post" in methods && !JSON.stringify(methods["post"]).includes('"validateOnly"'))
    .map(([path]) => path)
    .filter((path) => !/:(claim|look|step|finish|submit|poll|wait)$/.test(path));
  // A code for the page, dead letters and notifications change nothing that could be refused for its content; the paths of
  // Google's executions API are Google's.
  expect(
    without.filter((path) => !/^\/v1\/(projects|sessions|deadLetters|notifications)/.test(path)),
  ).toEqual([]);
});
