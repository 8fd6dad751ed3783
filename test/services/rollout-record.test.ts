// What the rollout service records of the traffic, and the views that follow from it.
import { describe, expect, onTestFinished, test } from "vitest";
import { moveTraffic } from "../../shared/runtime/traffic.ts";
import { createProjector } from "../../shared/runtime/project.ts";
import { ROLLOUT_VIEWS } from "../../services/rollout/views.ts";
import { createServingWorld, type ServingOptions, type ServingWorld } from "../support/serving-world.ts";
import { ENDPOINT, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

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

describe("the record", () => {
  test("is made right after moves that nobody recorded, each once, and says which are missing", async () => {
    const world = await servingTwo();
    const before = (await world.trafficNow()).document.traffic.epoch;
    // The document keeps 16 moves; 20 are made while the ledger hears of none.
    for (let turn = 0; turn < 10; turn += 1) {
      for (const [kind, to] of [
        ["abort", versionNamed(1)],
        ["abort", versionNamed(2)],
      ] as const) {
        const { document } = await world.trafficNow();
        const order = { endpoint: ENDPOINT, expectedEpoch: document.traffic.epoch, kind, to: { [to]: 100 } };
        await moveTraffic(world.ports, {
          ...order,
          cause: `by-hand/${turn}/${to}`,
          actor: "ada",
          reason: "drill",
        });
      }
    }
    await pass(world, 3);
    const facts = await world.facts(ENDPOINT);
    const epochs = facts.flatMap((fact) => (fact.type === "traffic.moved" ? [fact.data.epoch] : []));
    const kept = Array.from({ length: 16 }, (_, index) => before + 5 + index);
    expect(epochs).toEqual([...Array.from({ length: before }, (_, index) => index + 1), ...kept]);
    expect(facts.find(({ type }) => type === "traffic.history-gap")?.data).toEqual({
      afterEpoch: before,
      beforeEpoch: before + 5,
    });
  });

  test("does not change when everything is delivered again, in another order", async () => {
    const world = await servingTwo();
    await pass(world, 3);
    const before = await world.facts();
    for (const fact of before.toReversed()) await world.bus.publish(fact);
    await pass(world, 2);
    expect(await world.facts()).toEqual(before);
  });

  test("gives the same views when they are made again", async () => {
    const world = await servingTwo();
    await world.register(3, { errorRate: 0.1 });
    await reaches(world, rolloutOf(3), "ROLLED_BACK");
    await pass(world, 2);
    const snapshot = async () => {
      const limit = 1_000;
      const collections = ["endpoints", "rollouts", "servingIntervals"];
      return Promise.all(collections.map((collection) => world.views.list({ collection, limit })));
    };
    const before = await snapshot();
    expect(before.map((rows) => rows.length)).toEqual([1, 3, 8]);
    await createProjector(world, ROLLOUT_VIEWS).rebuild();
    expect(await snapshot()).toEqual(before);
  });
});
