// The shipped canary in virtual time: the real workflow on the real engine against the real API.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createMemoryTraffic } from "../support/memory-traffic.ts";
import { createServingWorld, type ServingOptions, type ServingWorld } from "../support/serving-world.ts";
import { backendOf, ENDPOINT, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

function serving(options: ServingOptions = {}): ServingWorld {
  const world = createServingWorld(options);
  onTestFinished(() => world.close());
  return world;
}

const stateOf = async (world: ServingWorld, name: string) => (await world.rollout(name))["state"];
const reaches = (world: ServingWorld, name: string, state: string, max?: number) =>
  world.until(`${name} is ${state}`, async () => (await stateOf(world, name)) === state, max);

/** A world in which version 1 was promoted. */
async function servingOne(options: ServingOptions & { policy?: unknown } = {}): Promise<ServingWorld> {
  const world = serving(options);
  await world.configure(options.policy);
  await world.register(1);
  await reaches(world, rolloutOf(1), "PROMOTED");
  return world;
}

describe("the canary", () => {
  test("puts the first version at 100 in one move and calls it good when the judge has passed it", async () => {
    const world = await servingOne();
    const { document } = await world.trafficNow();
    expect(document.traffic.epoch).toBe(1);
    expect(document.traffic.moves[0]?.kind).toBe("first");
    expect(document.traffic.good.map(({ version }) => version)).toEqual([versionNamed(1)]);
    expect(await world.executions().find(rolloutOf(1))).toMatchObject([
      { state: "SUCCEEDED", result: { outcome: "PROMOTED" } },
    ]);
    expect((await world.endpoint())["goodVersions"]).toMatchObject([{ modelVersion: versionNamed(1) }]);
  });

  test("moves a good version step by step and promotes it on pass", async () => {
    const world = await servingOne();
    await world.register(2);
    const seconds = await reaches(world, rolloutOf(2), "PROMOTED");
    expect(seconds).toBeGreaterThanOrEqual(15);
    expect(seconds).toBeLessThan(40);
    const moves = (await world.trafficNow()).document.traffic.moves;
    expect(moves.map(({ to }) => to[versionNamed(2)]).toReversed()).toEqual([undefined, 5, 25, 50, 100]);
    expect(await world.types(rolloutOf(2))).toEqual([
      "rollout.queued",
      "rollout.started",
      "rollout.claimed",
      "release.prepared",
      "rollout.step-changed",
      "rollout.step-changed",
      "rollout.step-changed",
      "rollout.judged",
      "rollout.promoted",
    ]);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({ judgement: { verdict: "pass" }, weight: 100 });
    const steps = (await world.rollout(rolloutOf(2)))["steps"] as readonly Record<string, unknown>[];
    expect(steps.map(({ weight }) => weight)).toEqual([5, 25, 50]);
    expect(steps[0]?.["evidence"]).toBe("The release is ready and has no traffic yet.");
    expect(steps[2]?.["evidence"]).toMatch(
      /^Inconclusive\. Canary: no|^Inconclusive\. Canary: 0 errors in \d+ requests/,
    );
    expect(world.load.unserved).toBe(0);
    expect(world.log.lines.filter(({ level }) => level !== "info")).toEqual([]);
    expect((await world.deadLetters.list(10)).total).toBe(0);
  });

  test("takes a bad version back within seconds, holds the endpoint, and leaves the next one waiting", async () => {
    const world = await servingOne();
    await world.register(2, { errorRate: 0.1 });
    await world.register(3);
    const seconds = await reaches(world, rolloutOf(2), "ROLLED_BACK");
    expect(seconds).toBeLessThan(20);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({
      trigger: "judge",
      judgement: { verdict: "fail" },
    });
    const { weights, hold } = await world.trafficNow();
    expect(weights).toEqual({ [versionNamed(1)]: 100 });
    expect(hold?.reason).toContain("Fail.");
    await world.second();
    expect(await world.endpoint()).toMatchObject({ held: true, running: null, waiting: [rolloutOf(3)] });
    expect(await world.executions().find(rolloutOf(2))).toMatchObject([
      { state: "SUCCEEDED", result: { outcome: "ROLLED_BACK" } },
    ]);
  });

  test("takes back what it could not judge by the time limit", async () => {
    const world = await servingOne({ policy: { ...QUICK_POLICY, timeLimit: "60s" } });
    world.load.requestsPerSecond = 4;
    await world.register(2);
    const seconds = await reaches(world, rolloutOf(2), "ROLLED_BACK");
    expect(seconds).toBeGreaterThanOrEqual(60);
    expect(seconds).toBeLessThan(70);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({
      trigger: "inconclusive",
      judgement: { verdict: "inconclusive" },
    });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(1)]: 100 });
  });

  test("stays where it is at the time limit if the policy says hold, until a person decides", async () => {
    const world = await servingOne({ policy: { ...QUICK_POLICY, timeLimit: "60s", onInconclusive: "hold" } });
    world.load.requestsPerSecond = 4;
    await world.register(2);
    await world.until(
      "the rollout is paused",
      async () => (await world.rollout(rolloutOf(2)))["paused"] === true,
    );
    for (let passed = 0; passed < 60; passed += 1) await world.second();
    expect(await stateOf(world, rolloutOf(2))).toBe("RUNNING");
    expect((await world.trafficNow()).weights).toMatchObject({ [versionNamed(2)]: 5 });
    expect((await world.trafficNow()).hold).not.toBeNull();
    const aborted = await world.call("ada", `${rolloutOf(2)}:abort`, { reason: "not enough traffic" });
    expect(aborted).toMatchObject({ status: 200, body: { state: "ABORTED" } });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(1)]: 100 });
  });

  test("ends a second execution of the same rollout as a duplicate that did nothing", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until(
      "it is claimed",
      async () => (await world.rollout(rolloutOf(2)))["execution"] !== undefined,
    );
    const owner = (await world.rollout(rolloutOf(2)))["execution"];
    const argument = { api: "http://127.0.0.1:7420", rollout: rolloutOf(2) };
    const second = await world.executions().start({ workflow: "canary", argument, cause: "someone else" });
    await world.until(
      "the duplicate ends",
      async () => (await world.executions().get(second.id))?.endedAt !== undefined,
    );
    expect(await world.executions().get(second.id)).toMatchObject({
      state: "SUCCEEDED",
      result: { duplicateOf: owner },
    });
    await reaches(world, rolloutOf(2), "PROMOTED");
    expect((await world.rollout(rolloutOf(2)))["execution"]).toBe(owner);
  });

  test("waits out an API that is down for a while and goes on", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
    world.api.down = true;
    for (let passed = 0; passed < 45; passed += 1) await world.second();
    expect(await stateOf(world, rolloutOf(2))).toBe("RUNNING");
    world.api.down = false;
    await reaches(world, rolloutOf(2), "PROMOTED");
  });

  test("goes on after a crash where it was", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 1", async () => (await world.rollout(rolloutOf(2)))["step"] === 1);
    await world.crashExecutions();
    for (let passed = 0; passed < 10; passed += 1) await world.second();
    expect(await stateOf(world, rolloutOf(2))).toBe("RUNNING");
    expect(await world.executions().resume()).toBe(1);
    await reaches(world, rolloutOf(2), "PROMOTED");
    const claims = (await world.types(rolloutOf(2))).filter((type) => type === "rollout.claimed");
    expect(claims).toHaveLength(1);
  });

  test("is taken back by its timer when its workflow never comes back", async () => {
    const world = await servingOne({ policy: { ...QUICK_POLICY, timeLimit: "60s" } });
    await world.register(2);
    await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
    await world.crashExecutions();
    const seconds = await reaches(world, rolloutOf(2), "ROLLED_BACK");
    expect(seconds).toBeLessThan(100);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({ trigger: "timer" });
    expect((await world.trafficNow()).weights).toEqual({ [versionNamed(1)]: 100 });
    expect((await world.endpoint())["held"]).toBe(true);
  });

  test("does not stand in the way of a person's rollback while its engine is down", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 1", async () => (await world.rollout(rolloutOf(2)))["step"] === 1);
    await world.crashExecutions();
    const answer = await world.call("ada", `${ENDPOINT}:rollback`, { reason: "odd", from: versionNamed(2) });
    expect(answer).toMatchObject({ status: 200, body: { to: versionNamed(1) } });
    await reaches(world, rolloutOf(2), "ROLLED_BACK", 5);
    await world.executions().resume();
    await world.until(
      "the workflow ends",
      async () => (await world.executions().find(rolloutOf(2)))[0]?.endedAt !== undefined,
    );
    expect((await world.executions().find(rolloutOf(2)))[0]).toMatchObject({ state: "SUCCEEDED" });
  });

  test("goes on in a new process after the whole control plane was killed in the middle", async () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-canary-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const shared = { path: join(folder, "ledger.db"), traffic: createMemoryTraffic(), behaviours: new Map() };
    const before = createServingWorld(shared);
    await before.configure();
    await before.register(1);
    await reaches(before, rolloutOf(1), "PROMOTED");
    await before.register(2);
    await before.until("step 1", async () => (await before.rollout(rolloutOf(2)))["step"] === 1);
    await before.close();

    const after = serving({ ...shared, start: before.clock.now().toISOString() });
    after.load.requestsPerSecond = 0;
    await after.until("both serve again", async () =>
      [1, 2].every((id) => after.backends.stateOf(backendOf(id)) === "ready"),
    );
    after.load.requestsPerSecond = 200;
    expect(await after.executions().resume()).toBe(1);
    await reaches(after, rolloutOf(2), "PROMOTED");
    expect((await after.types(rolloutOf(2))).filter((type) => type === "rollout.started")).toHaveLength(1);
  });

  test("that a person rolls back ends without another move", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 1", async () => (await world.rollout(rolloutOf(2)))["step"] === 1);
    const answer = await world.call("ada", `${ENDPOINT}:rollback`, {
      reason: "looks wrong",
      from: versionNamed(2),
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { from: versionNamed(2), to: versionNamed(1), alreadyMoved: false },
    });
    const { epoch } = (await world.trafficNow()).document.traffic;
    await reaches(world, rolloutOf(2), "ROLLED_BACK", 5);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({
      trigger: "person",
      reason: "looks wrong",
      actor: "ada",
    });
    await world.until(
      "the workflow ends",
      async () => (await world.executions().find(rolloutOf(2)))[0]?.endedAt !== undefined,
    );
    expect((await world.trafficNow()).document.traffic.epoch).toBe(epoch);
    expect((await world.executions().find(rolloutOf(2)))[0]).toMatchObject({
      result: { outcome: "ROLLED_BACK" },
    });
  });
});
