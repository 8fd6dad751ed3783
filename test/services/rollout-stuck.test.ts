// An endpoint whose stores never answer must not stop the others.
import { expect, onTestFinished, test } from "vitest";
import {
  createReconciler,
  ENDPOINT_TIME_MAX_MS,
  UNENDED_PASSES_MAX,
} from "../../services/rollout/reconcile.ts";
import { API, createServingWorld } from "../support/serving-world.ts";
import { turns } from "../support/clock.ts";

const STUCK = "teams/default/endpoints/stuck";
const OTHER = "teams/default/endpoints/other";

test("a pass over an endpoint that never answers ends after its time, and the next endpoint has its turn", async () => {
  const world = createServingWorld();
  onTestFinished(() => world.close());
  const asked: string[] = [];
  const traffic = {
    ...world.traffic,
    list: async () => [STUCK, OTHER],
    read: async (endpoint: string) => {
      asked.push(endpoint);
      return endpoint === STUCK ? new Promise<undefined>(() => {}) : undefined;
    },
  };
  const pass = createReconciler({
    ...world.ports,
    traffic,
    deploys: world.backends.deploys,
    executions: world.executions(),
    api: () => API,
  });
  for (let round = 0; round < 5; round += 1) {
    const done = pass();
    await turns();
    await world.clock.advance(ENDPOINT_TIME_MAX_MS);
    await done;
  }
  expect(asked.filter((name) => name === OTHER)).toHaveLength(5);
  expect(asked.filter((name) => name === STUCK)).toHaveLength(UNENDED_PASSES_MAX);
});
