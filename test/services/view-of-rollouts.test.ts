// A step of a rollout is told by two facts of two streams, the move and its record: the document is the same in either order.
import { expect, test } from "vitest";
import type { AnyFact, FactOf } from "../../shared/domain/fact.ts";
import type { FactType } from "../../shared/domain/facts.ts";
import { moveCause } from "../../shared/domain/rollout-name.ts";
import type { ViewDocument } from "../../shared/ports/views.ts";
import { rolloutPuts } from "../../services/rollout/view-of-rollouts.ts";
import { ENDPOINT, rolloutOf, versionNamed } from "../support/simulated-serving.ts";

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`;
const [one, two] = [versionNamed(1), versionNamed(2)];

let count = 0;
function fact<Type extends FactType>(
  subject: string,
  type: Type,
  data: Partial<FactOf<Type>["data"]>,
  time: string,
): AnyFact {
  count += 1;
  const envelope = { id: `fact-${count}`, version: count, cause: "test", correlation: "", actor: "test" };
  return { ...envelope, subject, type, data, time } as unknown as AnyFact;
}

const queued = fact(
  rolloutOf(2),
  "rollout.queued",
  { endpoint: ENDPOINT, modelVersion: two, attempt: 1 },
  at(0),
);
const moved = fact(
  ENDPOINT,
  "traffic.moved",
  {
    epoch: 2,
    kind: "advance",
    moveCause: moveCause(rolloutOf(2), { kind: "step", step: 0, override: false }),
    reason: "It is ready.",
    from: { [one]: 100 },
    to: { [one]: 95, [two]: 5 },
    movedAt: at(1),
  },
  at(2),
);
const recorded = fact(
  rolloutOf(2),
  "rollout.step-changed",
  { step: 0, weight: 5, epoch: 2, override: false },
  at(3),
);

async function documentAfter(...facts: readonly AnyFact[]): Promise<ViewDocument | undefined> {
  let document: ViewDocument | undefined;
  for (const each of facts)
    for (const put of await rolloutPuts(each, async () => document)) document = put.document ?? undefined;
  return document;
}

test("a step is the same whether its move or its record is told first", async () => {
  const document = await documentAfter(queued, moved, recorded);
  expect(document?.["steps"]).toEqual([
    { step: 0, weight: 5, epoch: 2, override: false, evidence: "It is ready.", time: at(3) },
  ]);
  expect((await documentAfter(queued, recorded, moved))?.["steps"]).toEqual(document?.["steps"]);
});

test("a step has its weight, time and evidence as soon as its move is told", async () => {
  expect((await documentAfter(queued, moved))?.["steps"]).toEqual([
    { weight: 5, epoch: 2, evidence: "It is ready.", time: at(1) },
  ]);
});
