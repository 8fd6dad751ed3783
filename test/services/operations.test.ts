// Operations through the API's door, in virtual time.
import { describe, expect, onTestFinished, test } from "vitest";
import { createServingWorld, type ServingWorld } from "../support/serving-world.ts";
import { backendOf, ENDPOINT, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

/** Version 2 serves and version 1, whose start takes `readyMs`, is cold. */
async function coldOne(readyMs: number): Promise<ServingWorld> {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  await world.configure(QUICK_POLICY, 5_000);
  for (const [id, behaviour] of [[1, { readyMs }] as const, [2, {}] as const]) {
    await world.register(id, behaviour);
    await world.until(
      `version ${id} is promoted`,
      async () => (await world.rollout(rolloutOf(id)))["state"] === "PROMOTED",
    );
  }
  await world.until("cold", async () => world.backends.stateOf(backendOf(1)) === "cold");
  return world;
}

const back = (world: ServingWorld, more: object = {}) =>
  world.call("ada", `${ENDPOINT}:rollback`, { reason: "back", from: versionNamed(2), ...more });

describe("a rollback to a cold version", () => {
  test("answers 202 with an operation that tells when to expect it, and moves when the version is ready", async () => {
    const world = await coldOne(8_000);
    const begun = await back(world);
    expect(begun).toMatchObject({
      status: 202,
      body: {
        done: false,
        metadata: { state: "WARMING", to: versionNamed(1), actor: "ada", reason: "back" },
      },
    });
    const name = String(begun.body["name"]);
    const { etaTime, createTime } = begun.body["metadata"] as Record<string, string>;
    expect(Date.parse(etaTime ?? "") - Date.parse(createTime ?? "")).toBeGreaterThanOrEqual(8_000);
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(2)]: 100 });
    await world.until("done", async () => (await world.call("vic", name)).body["done"] === true, 20);
    expect(await world.call("vic", name)).toMatchObject({
      status: 200,
      body: {
        name,
        response: { from: versionNamed(2), to: versionNamed(1), weights: { [versionNamed(1)]: 100 } },
      },
    });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(1)]: 100 });
    expect(world.load.unserved).toBe(0);
    await world.until("on record", async () => (await world.endpoint())["held"] === true, 5);
  });

  test("fails with the reason when the version does not start, and the endpoint stays held", async () => {
    const world = await coldOne(1_000);
    world.behaviours.set(backendOf(1), { fails: "the GPU is gone" });
    const name = String((await back(world)).body["name"]);
    await world.until("done", async () => (await world.call("vic", name)).body["done"] === true, 20);
    expect((await world.call("vic", name)).body).toMatchObject({
      done: true,
      metadata: { state: "FAILED" },
      error: { code: 9, status: "FAILED_PRECONDITION", message: expect.stringContaining("the GPU is gone") },
    });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(2)]: 100 });
    expect((await world.trafficNow()).hold).not.toBeNull();
  });

  test("is given up when the endpoint is resumed, and its backend is stopped again", async () => {
    const world = await coldOne(30_000);
    const name = String((await back(world)).body["name"]);
    await world.second();
    expect(world.backends.stateOf(backendOf(1))).toBe("preparing");
    await world.call("grace", `${ENDPOINT}:resume`, { reason: "go on" });
    expect((await world.call("vic", name)).body).toMatchObject({ done: true, error: { status: "ABORTED" } });
    await world.until("cold again", async () => world.backends.stateOf(backendOf(1)) === "cold", 30);
  });

  test("keeps rollouts from starting until it is done and the endpoint resumed", async () => {
    const world = await coldOne(10_000);
    await back(world);
    await world.register(3);
    for (let second = 0; second < 20; second += 1) await world.second();
    expect((await world.rollout(rolloutOf(3)))["state"]).toBe("QUEUED");
    await world.call("grace", `${ENDPOINT}:resume`, { reason: "go on" });
    await world.until(
      "version 3 is promoted",
      async () => (await world.rollout(rolloutOf(3)))["state"] === "PROMOTED",
    );
  });
});

describe("operations", () => {
  test("are listed newest first, and one that is not there is NOT_FOUND with the remedy", async () => {
    const world = await coldOne(60_000);
    const name = (await back(world)).body["name"];
    expect((await world.call("vic", `${ENDPOINT}/operations`)).body).toMatchObject({
      operations: [{ name, done: false }],
      nextPageToken: "",
    });
    expect(await world.call("vic", `${ENDPOINT}/operations/rollback-none`)).toMatchObject({ status: 404 });
    expect(await world.call("vic", `${ENDPOINT}/operations/rollback-none:wait`, {})).toMatchObject({
      status: 404,
    });
  });

  test("are waited for no longer than asked", async () => {
    const world = await coldOne(60_000);
    const name = String((await back(world)).body["name"]);
    expect((await world.call("vic", `${name}:wait`, { timeoutSeconds: 0 })).body["done"]).toBe(false);
    expect((await world.call("vic", `${name}:wait`, { timeoutSeconds: 26 })).status).toBe(400);
  });
});
