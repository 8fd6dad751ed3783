// Backends that the rollout service puts up, keeps warm, and stops.
import { describe, expect, onTestFinished, test } from "vitest";
import { createServingWorld, type ServingOptions, type ServingWorld } from "../support/serving-world.ts";
import { backendOf, ENDPOINT, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

function serving(options: ServingOptions = {}): ServingWorld {
  const world = createServingWorld(options);
  onTestFinished(() => world.close());
  return world;
}

const reaches = (world: ServingWorld, name: string, state: string, max?: number) =>
  world.until(`${name} is ${state}`, async () => (await world.rollout(name))["state"] === state, max);

async function pass(world: ServingWorld, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 1) await world.second();
}

/** A world in which version 1 was promoted. */
async function servingOne(policy: unknown = QUICK_POLICY, standbyMs?: number): Promise<ServingWorld> {
  const world = serving();
  await world.configure(policy, standbyMs);
  await world.register(1);
  await reaches(world, rolloutOf(1), "PROMOTED");
  return world;
}

/** A world in which version 2 has replaced version 1. */
async function servingTwo(standbyMs?: number): Promise<ServingWorld> {
  const world = await servingOne(QUICK_POLICY, standbyMs);
  await world.register(2);
  await reaches(world, rolloutOf(2), "PROMOTED");
  return world;
}

describe("backends", () => {
  test("of a predecessor stay warm for the standby, then are marked cold and only then stopped", async () => {
    const world = await servingTwo(30_000);
    await pass(world, 20);
    expect(world.backends.stateOf(backendOf(1))).toBe("ready");
    await world.until("cold", async () => world.backends.stateOf(backendOf(1)) === "cold", 30);
    expect((await world.trafficNow()).document.traffic.good).toMatchObject([
      { version: versionNamed(2), state: "warm" },
      { version: versionNamed(1), state: "cold" },
    ]);
    const forced = await world.call("ada", `${ENDPOINT}:rollback`, {
      reason: "back",
      from: versionNamed(2),
      force: true,
    });
    expect(forced).toMatchObject({ status: 200, body: { to: versionNamed(1) } });
    await world.until("warm again", async () => world.backends.stateOf(backendOf(1)) === "ready", 5);
  });

  test("that have failed end their rollout although nobody who asks the API may see it", async () => {
    const world = await servingOne();
    world.api.down = true;
    await world.register(2, { fails: "the manifest was refused" });
    await reaches(world, rolloutOf(2), "ROLLED_BACK", 30);
    const facts = await world.facts(rolloutOf(2));
    expect(facts.find(({ type }) => type === "release.failed")?.data).toMatchObject({
      modelVersion: versionNamed(2),
      reason: "BACKEND_FAILED",
      message: expect.stringContaining("the manifest was refused") as string,
    });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(1)]: 100 });
  });

  test("of a predecessor stay warm while another rollout runs", async () => {
    const world = await servingTwo(5_000);
    await world.register(3, { readyMs: 60_000 });
    await pass(world, 30);
    expect(world.backends.stateOf(backendOf(1))).toBe("ready");
    await reaches(world, rolloutOf(3), "PROMOTED");
    await world.until("cold", async () => world.backends.stateOf(backendOf(1)) === "cold", 30);
  });

  test("of what was taken back are stopped once drained, and not a moment before", async () => {
    const world = await servingOne();
    await world.register(2, { errorRate: 0.1 });
    await reaches(world, rolloutOf(2), "ROLLED_BACK");
    await pass(world, 5);
    expect(world.backends.retired).toEqual([]);
    await world.until("stopped", async () => world.backends.retired.length > 0, 20);
    expect(new Set(world.backends.retired)).toEqual(new Set([backendOf(2)]));
    expect(world.backends.stateOf(backendOf(1))).toBe("ready");
  });

  test("that failed are put up afresh by a retry, at once", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
    world.backends.kill(backendOf(2));
    await reaches(world, rolloutOf(2), "ROLLED_BACK");
    await world.call("grace", `${ENDPOINT}:resume`, { reason: "the machine was out of memory" });
    await world.call("ada", `${rolloutOf(2)}:retry`, { reason: "the machine was out of memory" });
    await reaches(world, rolloutOf(2, 2), "PROMOTED");
  });

  test("that a restart has lost are prepared again, those that serve and those that are a way back", async () => {
    const world = await servingTwo();
    world.backends.forget();
    await world.until(
      "all back",
      async () => [1, 2].every((id) => world.backends.stateOf(backendOf(id)) === "ready"),
      30,
    );
  });

  test("of a candidate that a restart has lost before it had traffic are prepared again too", async () => {
    const world = await servingOne();
    await world.register(2, { readyMs: 5_000 });
    await world.second();
    world.backends.forget();
    await reaches(world, rolloutOf(2), "PROMOTED");
  });

  test("of a candidate that are started again after they were ready get no traffic until they are ready again", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
    const { epoch } = (await world.trafficNow()).document.traffic;
    world.behaviours.set(backendOf(2), { readyMs: 1e9 });
    world.backends.restart(backendOf(2));
    const advanced = await world.call("ada", `${rolloutOf(2)}:advance`, { reason: "I know it" });
    expect(advanced).toMatchObject({ status: 400, error: { reason: "RELEASE_NOT_READY" } });
    expect((await world.trafficNow()).document.traffic.epoch).toBe(epoch);
  });
});
