// The law of traffic notices what few histories meet: a step that arrives after its rollout has ended.
import { expect, test } from "vitest";
import { EMPTY_TRAFFIC, type TrafficDocument } from "../../shared/domain/traffic.ts";
import { moveCause } from "../../shared/domain/rollout-name.ts";
import { applyMove } from "../../shared/domain/traffic-moves.ts";
import { ENDPOINT, rolloutOf, versionNamed } from "../support/simulated-serving.ts";
import { trafficProblem } from "./traffic-law.ts";

const time = "2026-01-01T00:00:00Z";
const [one, two] = [versionNamed(1), versionNamed(2)];
const purpose = { kind: "step", step: 0, override: false } as const;

const order = (id: number) => ({
  cause: moveCause(rolloutOf(id), purpose),
  actor: "services/rollout",
  reason: "ready",
  time,
});
const serving: TrafficDocument = applyMove(ENDPOINT, EMPTY_TRAFFIC, {
  kind: "first",
  to: { [one]: 100 },
  ...order(1),
});
const split = applyMove(ENDPOINT, serving, { kind: "advance", to: { [one]: 90, [two]: 10 }, ...order(2) });
const standing = (...ended: readonly string[]) => ({
  stateOf: () => "ready",
  hasEnded: (rollout: string) => ended.includes(rollout),
});

test("a step of a rollout that runs is allowed", () => {
  expect(trafficProblem(serving, split, standing(rolloutOf(1)))).toBeUndefined();
});

test("a step of a rollout that has ended is noticed", () => {
  expect(trafficProblem(serving, split, standing(rolloutOf(2)))).toBe(
    `epoch 2 gives traffic to the version of ${rolloutOf(2)}, which has ended`,
  );
});

test("the first version of an endpoint may serve although its rollout has ended: nobody else does", () => {
  expect(trafficProblem(EMPTY_TRAFFIC, serving, standing(rolloutOf(1)))).toBeUndefined();
});
