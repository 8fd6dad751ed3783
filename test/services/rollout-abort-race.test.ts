// A rollout ends while another move of it is on its way to the store of traffic: which of the two counts.
import { expect, onTestFinished, test } from "vitest";
import { rollout } from "../../shared/domain/rollout.ts";
import { versionWeights } from "../../shared/domain/traffic.ts";
import { load, record } from "../../shared/runtime/record.ts";
import { moveToStep, promote } from "../../shared/runtime/rollout-moves.ts";
import type { RolloutMovePorts } from "../../shared/runtime/rollout-standing.ts";
import { abort, type TakeBack, takeBack } from "../../shared/runtime/rollout-take-back.ts";
import { createServingWorld } from "../support/serving-world.ts";
import { backendOf, QUICK_POLICY, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

const mover = { actor: "grace" };
const step = { step: 0, override: false, reason: "ready", mover: { actor: "services/rollout" } };

type End = (ports: RolloutMovePorts, name: string) => Promise<unknown>;

/** A world in which version 1 serves and version 2 is registered; its ports see every model server ready. */
async function secondVersion() {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  await world.configure(QUICK_POLICY);
  await world.register(1);
  const stateOf = async (id: number) => (await world.rollout(rolloutOf(id)))["state"];
  await world.until("version 1 is promoted", async () => (await stateOf(1)) === "PROMOTED");
  await world.register(2);
  const name = rolloutOf(2);
  const ready: RolloutMovePorts = {
    ...world.ports,
    deploys: { status: async () => ({ state: "ready", since: "", message: "" }) },
  };
  return {
    world,
    name,
    ready,
    stepNow: async () => (await load(world.ports.ledger, rollout, name)).state.step,
    /** How it ended, and who serves. */
    end: async () => ({
      state: await stateOf(2),
      weights: versionWeights((await world.trafficNow()).document),
    }),
  };
}

/** Version 1 serves, version 2 is about to take its first step, and `end` happens while that is read or written. */
async function race(end: End, at: "read" | "write" = "write") {
  const { world, name, ready, stepNow, ...second } = await secondVersion();
  expect(await stepNow()).toBe(-1);
  const prepared = { modelVersion: versionNamed(2), backend: backendOf(2), durationMs: 1 };
  await record(world.ports, rollout, {
    stream: name,
    cause: "prepared",
    input: { kind: "release-prepared", prepared },
    actor: mover.actor,
  });

  let ended = false;
  const endOnce = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    await end(world.ports, name);
  };
  const late: RolloutMovePorts = {
    ...ready,
    traffic: {
      ...world.ports.traffic,
      async read(endpoint) {
        const document = await world.ports.traffic.read(endpoint);
        if (at === "read") await endOnce();
        return document;
      },
      async write(...order) {
        if (at === "write") await endOnce();
        return world.ports.traffic.write(...order);
      },
    },
  };
  const outcome = moveToStep(late, name, step).then(
    () => "moved",
    (error: unknown) => (error as { readonly reason: string }).reason,
  );
  // A store that has changed meanwhile is read again after a pause.
  await world.second();
  return { outcome: await outcome, ...(await second.end()) };
}

test("a step that was decided before an abort and arrives after it moves nothing", async () => {
  const { outcome, state, weights } = await race((ports, name) =>
    abort(ports, name, { reason: "not now", mover }),
  );
  expect(outcome).toBe("TRAFFIC_MOVED");
  expect(state).toBe("ABORTED");
  expect(weights).toEqual({ [versionNamed(1)]: 100 });
});

test("a step that was decided before the judge took its version back and arrives after it moves nothing", async () => {
  const order = { trigger: "inconclusive", reason: "no verdict", actor: "services/rollout" } as const;
  const { outcome, state, weights } = await race((ports, name) => takeBack(ports, name, order));
  expect(outcome).toBe("TRAFFIC_MOVED");
  expect(state).toBe("ROLLED_BACK");
  expect(weights).toEqual({ [versionNamed(1)]: 100 });
});

test("a step that reads the traffic before an abort and the rollout after it is told that the rollout is over", async () => {
  const { outcome, state, weights } = await race(
    (ports, name) => abort(ports, name, { reason: "not now", mover }),
    "read",
  );
  expect(outcome).toBe("ROLLOUT_ENDED");
  expect(state).toBe("ABORTED");
  expect(weights).toEqual({ [versionNamed(1)]: 100 });
});

test("two that end a rollout at once move its traffic once", async () => {
  const { world, name, ready, stepNow, end } = await secondVersion();
  await world.until("version 2 has traffic", async () => (await stepNow()) === 0);
  const replaced = { kind: "replace", reason: "a newer one", mover } as const;
  let others = 0;
  // The first has written its move and recorded it of the endpoint; of the rollout it has not, when the second comes.
  const late: RolloutMovePorts = {
    ...ready,
    ledger: {
      ...world.ports.ledger,
      async append(batch) {
        if (batch.stream === name && others === 0) {
          others += 1;
          await abort(ready, name, replaced);
        }
        return world.ports.ledger.append(batch);
      },
    },
  };
  await abort(late, name, replaced);
  expect(others).toBe(1);
  const { moves } = (await world.trafficNow()).document.traffic;
  expect(moves.filter(({ kind }) => kind === "replace")).toHaveLength(1);
  expect(await end()).toEqual({ state: "ABORTED", weights: { [versionNamed(1)]: 100 } });
});

/** Version 2 has all its steps behind it and is promoted while `order` reads the traffic in order to take it back. */
async function promotedDuring(trigger: TakeBack["trigger"]) {
  const { world, name, ready, stepNow, end } = await secondVersion();
  const lastStep = QUICK_POLICY.steps.length - 1;
  await world.until("version 2 is at its last step", async () => (await stepNow()) === lastStep);
  let promoted = false;
  const late: RolloutMovePorts = {
    ...ready,
    traffic: {
      ...world.ports.traffic,
      async write(...order) {
        if (!promoted) {
          promoted = true;
          await promote(ready, name, { override: true, reason: "good", mover });
        }
        return world.ports.traffic.write(...order);
      },
    },
  };
  const taken = takeBack(late, name, { trigger, reason: "late", actor: "services/rollout" });
  await world.second();
  await taken;
  return end();
}

test.each(["timer", "inconclusive", "execution-failed"] as const)(
  "a take-back for want of a verdict (%s) that meets a promotion leaves the version where it is",
  async (trigger) => {
    const { state, weights } = await promotedDuring(trigger);
    expect(state).toBe("PROMOTED");
    expect(weights).toEqual({ [versionNamed(2)]: 100 });
  },
);

test.each(["judge", "release-failed"] as const)(
  "a take-back for harm (%s) that meets a promotion takes the version off all the same",
  async (trigger) => {
    const { weights } = await promotedDuring(trigger);
    expect(weights).toEqual({ [versionNamed(1)]: 100 });
  },
);
