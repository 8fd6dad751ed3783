// The rollout service through its door (facts) and its reconciler, with the real workflow and API behind it.
import { describe, expect, onTestFinished, test } from "vitest";
import { parentName } from "../../shared/domain/names.ts";
import { resumeEndpoint } from "../../shared/runtime/traffic.ts";
import { rollback } from "../../shared/runtime/rollback.ts";
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

const resume = (world: ServingWorld) => world.call("grace", `${ENDPOINT}:resume`, { reason: "looked at it" });

describe("the first version of an endpoint", () => {
  test("that fails is rejected: the endpoint is held, traffic stays, and people are told", async () => {
    const world = serving();
    await world.configure();
    await world.register(1, { errorRate: 0.2 });
    await reaches(world, rolloutOf(1), "ROLLED_BACK");
    const { weights, hold, document } = await world.trafficNow();
    expect(weights).toEqual({ [versionNamed(1)]: 100 });
    expect(hold).not.toBeNull();
    expect(document.traffic).toMatchObject({ epoch: 1, good: [] });
    await world.second();
    expect((await world.endpoint())["problem"]).toContain("was rejected and keeps its traffic");
    expect((await world.facts(parentName(versionNamed(1)))).at(-1)).toMatchObject({
      type: "model-version.rejected",
      data: { modelVersion: versionNamed(1), reason: "UNFIT_TO_SERVE" },
    });
    const refused = await world.call("ada", `${ENDPOINT}:rollback`, {
      reason: "away",
      from: versionNamed(1),
    });
    expect(refused).toMatchObject({
      status: 400,
      error: { reason: "NO_GOOD_VERSION" },
    });
    await pass(world, 30);
    expect(world.backends.stateOf(backendOf(1))).toBe("ready");
  });

  test("that gets no request by the time limit is kept and not held, and can be judged by a retry", async () => {
    const world = serving();
    await world.configure({ ...QUICK_POLICY, timeLimit: "30s" });
    world.load.requestsPerSecond = 0;
    await world.register(1);
    await reaches(world, rolloutOf(1), "ABORTED");
    expect(await world.trafficNow()).toMatchObject({ weights: { [versionNamed(1)]: 100 }, hold: null });
    expect(await world.rollout(rolloutOf(1))).toMatchObject({
      judgement: { verdict: "inconclusive" },
      weight: 100,
    });
    world.load.requestsPerSecond = 200;
    expect(await world.call("ada", `${rolloutOf(1)}:retry`, { reason: "traffic now" })).toMatchObject({
      status: 200,
      body: { name: rolloutOf(1, 2), state: "QUEUED" },
    });
    await reaches(world, rolloutOf(1, 2), "PROMOTED");
    const { document } = await world.trafficNow();
    expect(document.traffic).toMatchObject({ epoch: 1, good: [{ version: versionNamed(1) }] });
  });
});

describe("a version", () => {
  test("is ignored where its endpoint wants no new versions", async () => {
    const world = serving();
    await world.configure({ ...QUICK_POLICY, onRegistered: "ignore" });
    await world.register(2);
    expect(await world.facts(rolloutOf(2))).toEqual([]);
  });

  test("whose release fails before it had traffic moves nothing, holds nothing, and lets the next one run", async () => {
    const world = await servingOne();
    await world.register(2, { fails: "the digest of the artifact is another one" });
    await world.register(3);
    await reaches(world, rolloutOf(2), "ROLLED_BACK");
    expect(await world.rollout(rolloutOf(2))).toMatchObject({
      trigger: "release-failed",
      release: { state: "FAILED", message: "the digest of the artifact is another one" },
    });
    expect((await world.trafficNow()).hold).toBeNull();
    await reaches(world, rolloutOf(3), "PROMOTED");
  });

  test("that never becomes ready is given up at the time limit", async () => {
    const world = await servingOne({ ...QUICK_POLICY, timeLimit: "30s" });
    await world.register(2, { readyMs: 1e9 });
    await reaches(world, rolloutOf(2), "ROLLED_BACK");
    expect(await world.rollout(rolloutOf(2))).toMatchObject({ release: { reason: "NOT_READY_IN_TIME" } });
    // The end is a move that changes no weight: a first step that was under way would be refused by its epoch.
    const { traffic } = (await world.trafficNow()).document;
    expect(traffic).toMatchObject({ epoch: 2, hold: null });
    expect(traffic.moves[0]).toMatchObject({ kind: "abort", from: traffic.moves[0]?.to });
  });

  test("whose server dies while it serves loses its traffic at the next look", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
    world.backends.kill(backendOf(2));
    const seconds = await reaches(world, rolloutOf(2), "ROLLED_BACK");
    expect(seconds).toBeLessThan(5);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({ trigger: "release-failed" });
    expect(await world.trafficNow()).toMatchObject({ weights: { [versionNamed(1)]: 100 } });
  });

  test("that was rolled back comes again only by an explicit retry after the endpoint was resumed", async () => {
    const world = await servingOne();
    await world.register(2, { errorRate: 0.1 });
    await reaches(world, rolloutOf(2), "ROLLED_BACK");
    await world.register(2);
    await pass(world, 2);
    expect((await world.endpoint())["waiting"]).toEqual([]);
    const held = await world.call("ada", `${rolloutOf(2)}:retry`, { reason: "mended" });
    expect(held).toMatchObject({ status: 400, error: { reason: "ENDPOINT_HELD" } });
    expect(await resume(world)).toMatchObject({ status: 200, body: { resumed: true, recorded: true } });
    const retried = await world.call("ada", `${rolloutOf(2)}:retry`, { reason: "mended" });
    expect(retried).toMatchObject({ status: 200, body: { name: rolloutOf(2, 2) } });
    world.behaviours.set(backendOf(2), {});
    await reaches(world, rolloutOf(2, 2), "PROMOTED");
    const again = await world.call("ada", `${rolloutOf(2)}:retry`, { reason: "once more" });
    expect(again.error).toMatchObject({
      reason: "NOT_THE_LATEST_ATTEMPT",
      metadata: { latest: rolloutOf(2, 2) },
    });
  });
});

describe("a resumed endpoint", () => {
  test("goes on with the oldest waiting rollout", async () => {
    const world = await servingOne();
    await world.register(2, { errorRate: 0.1 });
    await world.register(3);
    await world.register(4);
    await reaches(world, rolloutOf(2), "ROLLED_BACK");
    await pass(world, 5);
    expect(await world.endpoint()).toMatchObject({ running: null, waiting: [rolloutOf(3), rolloutOf(4)] });
    await resume(world);
    await reaches(world, rolloutOf(3), "PROMOTED");
    await reaches(world, rolloutOf(4), "PROMOTED");
    expect((await world.facts(ENDPOINT)).filter(({ type }) => type === "endpoint.resumed")).toHaveLength(1);
  });

  test("is recorded as resumed also when only the document says so", async () => {
    const world = await servingTwo();
    await rollback(world.ports, { endpoint: ENDPOINT, actor: "ada", reason: "odd", from: versionNamed(2) });
    await world.second();
    expect(await world.endpoint()).toMatchObject({ held: true });
    await resumeEndpoint(world.ports, ENDPOINT);
    await world.second();
    expect(await world.endpoint()).toMatchObject({ held: false, hold: null });
  });
});

describe("the workflow of a rollout", () => {
  test("that ends without ending it is noticed, and the rollout is taken back", async () => {
    const world = await servingOne();
    await world.register(2);
    await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
    const [execution] = await world.executions().find(rolloutOf(2));
    await world.executions().cancel(execution?.id ?? "");
    await reaches(world, rolloutOf(2), "ROLLED_BACK", 5);
    expect(await world.rollout(rolloutOf(2))).toMatchObject({ trigger: "execution-failed" });
    expect(await world.trafficNow()).toMatchObject({ weights: { [versionNamed(1)]: 100 } });
  });
});

describe("metrics that cannot be read", () => {
  for (const fault of ["fail", "never answer"] as const) {
    test(`(they ${fault}) stop no rollback by a person, and the time limit takes back what could not be judged`, async () => {
      const world = await servingOne({ ...QUICK_POLICY, timeLimit: "60s" });
      await world.register(2);
      await world.until("step 0", async () => (await world.rollout(rolloutOf(2)))["step"] === 0);
      world.faults.metrics = fault;
      await reaches(world, rolloutOf(2), "ROLLED_BACK");
      expect(await world.rollout(rolloutOf(2))).toMatchObject({ trigger: "inconclusive" });
      await resume(world);
      await world.register(3);
      await world.until("step 0", async () => (await world.rollout(rolloutOf(3)))["step"] === 0);
      const answer = await world.call("ada", `${ENDPOINT}:rollback`, {
        reason: "blind",
        from: versionNamed(3),
      });
      expect(answer).toMatchObject({ status: 200, body: { to: versionNamed(1) } });
      await reaches(world, rolloutOf(3), "ROLLED_BACK", 5);
    });
  }
});
