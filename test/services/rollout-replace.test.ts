// New versions that take the place of what runs, and versions that were there before their endpoint.
import { describe, expect, onTestFinished, test } from "vitest";
import { holdEndpoint } from "../../shared/runtime/traffic.ts";
import { createServingWorld, type ServingWorld } from "../support/serving-world.ts";
import { ENDPOINT, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

const REPLACE = { ...QUICK_POLICY, onRegistered: "replace" };

function serving(): ServingWorld {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  return world;
}

const reaches = (world: ServingWorld, name: string, state: string) =>
  world.until(`${name} is ${state}`, async () => (await world.rollout(name))["state"] === state);

const stateOf = async (world: ServingWorld, name: string) => (await world.rollout(name))["state"];

/** A world in which version 1 serves all and version 2 has some of the traffic. */
async function midway(): Promise<ServingWorld> {
  const world = serving();
  await world.configure(REPLACE);
  await world.register(1);
  await reaches(world, rolloutOf(1), "PROMOTED");
  await world.register(2);
  await world.until("version 2 has traffic", async () => {
    const { weights } = await world.trafficNow();
    return (weights[versionNamed(2)] ?? 0) > 0;
  });
  return world;
}

const kinds = async (world: ServingWorld) =>
  (await world.trafficNow()).document.traffic.moves.map(({ kind }) => kind);

describe("where new versions replace", () => {
  test("the running candidate goes to weight 0 without a hold, and the newer one runs at once", async () => {
    const world = await midway();
    await world.register(3);
    await reaches(world, rolloutOf(2), "ABORTED");
    const [replaced] = (await world.trafficNow()).document.traffic.moves.filter(
      ({ kind }) => kind === "replace",
    );
    expect(replaced).toMatchObject({
      to: { [versionNamed(1)]: 100 },
      reason: expect.stringContaining("versions/3"),
    });
    expect((await world.trafficNow()).hold).toBeNull();
    expect(await kinds(world)).not.toContain("rollback");
    await reaches(world, rolloutOf(3), "PROMOTED");
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(3)]: 100 });
  });

  test("what was replaced can be tried again, and that waits its turn", async () => {
    const world = await midway();
    await world.register(3);
    await reaches(world, rolloutOf(2), "ABORTED");
    expect(await world.call("ada", `${rolloutOf(2)}:retry`, { reason: "after all" })).toMatchObject({
      status: 200,
    });
    await reaches(world, rolloutOf(3), "PROMOTED");
    await reaches(world, rolloutOf(2, 2), "PROMOTED");
  });

  test("only the newest of many runs; those between never had traffic", async () => {
    const world = await midway();
    await world.register(3);
    await world.register(4);
    await world.register(5);
    await reaches(world, rolloutOf(5), "PROMOTED");
    expect(await Promise.all([2, 3, 4].map((id) => stateOf(world, rolloutOf(id))))).toEqual([
      "ABORTED",
      "ABORTED",
      "ABORTED",
    ]);
    const served = (await world.trafficNow()).document.traffic.moves.flatMap(({ to }) => Object.keys(to));
    expect(served).not.toContain(versionNamed(4));
  });

  test("a first version that is still judged keeps its traffic until the newer one has proven itself", async () => {
    const world = serving();
    await world.configure(REPLACE);
    await world.register(1);
    await world.until("version 1 has all traffic", async () => {
      const { weights } = await world.trafficNow();
      return weights[versionNamed(1)] === 100;
    });
    await world.register(2);
    await reaches(world, rolloutOf(1), "ABORTED");
    expect((await world.trafficNow()).weights).toMatchObject({ [versionNamed(1)]: expect.any(Number) });
    await reaches(world, rolloutOf(2), "PROMOTED");
    expect(await kinds(world)).not.toContain("replace");
  });

  test("while the endpoint is held the candidate stays where a person left it, until the endpoint is resumed", async () => {
    const world = await midway();
    await holdEndpoint(world, ENDPOINT, { cause: "test", actor: "grace", reason: "wait" });
    const before = (await world.trafficNow()).document.traffic.epoch;
    await world.register(3);
    for (let second = 0; second < 5; second += 1) await world.second();
    expect((await world.trafficNow()).document.traffic.epoch).toBe(before);
    await world.call("grace", `${ENDPOINT}:resume`, { reason: "go on" });
    await reaches(world, rolloutOf(2), "ABORTED");
    await reaches(world, rolloutOf(3), "PROMOTED");
  });
});

describe("a version that was registered before its endpoint was configured", () => {
  test("waits where people see it and why, and is rolled out once the endpoint is configured", async () => {
    const world = serving();
    await world.register(1);
    expect(await stateOf(world, rolloutOf(1))).toBe("QUEUED");
    expect(await world.endpoint()).toMatchObject({
      running: rolloutOf(1),
      problem: expect.stringContaining("not configured"),
    });
    await world.configure();
    await reaches(world, rolloutOf(1), "PROMOTED");
    expect((await world.endpoint())["problem"]).toBeNull();
  });

  test("gives way to a newer one: only the newest is rolled out", async () => {
    const world = serving();
    for (const id of [1, 2, 3]) await world.register(id);
    await world.configure();
    await reaches(world, rolloutOf(3), "PROMOTED");
    expect(await stateOf(world, rolloutOf(1))).toBe("ABORTED");
    expect(await stateOf(world, rolloutOf(2))).toBe("ABORTED");
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(3)]: 100 });
  });

  test("is not rolled out where the policy ignores new versions, and says so", async () => {
    const world = serving();
    await world.register(1);
    await world.configure({ ...QUICK_POLICY, onRegistered: "ignore" });
    await reaches(world, rolloutOf(1), "ABORTED");
    expect((await world.rollout(rolloutOf(1)))["reason"]).toContain("policy ignores new versions");
    expect((await world.trafficNow()).weights).toEqual({});
  });
});

describe("resuming", () => {
  test("an endpoint that nobody knows is NOT_FOUND", async () => {
    const world = serving();
    expect(await world.call("grace", `${ENDPOINT}:resume`, { reason: "x" })).toMatchObject({ status: 404 });
  });

  test("an endpoint that is configured and serves nothing yet changes nothing", async () => {
    const world = serving();
    await world.configure();
    expect(await world.call("grace", `${ENDPOINT}:resume`, { reason: "x" })).toMatchObject({
      status: 200,
      body: { resumed: false },
    });
  });
});
