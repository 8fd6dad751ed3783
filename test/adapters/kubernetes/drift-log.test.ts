// A drift is found at every read of its route. It is told as an error, and again every minute for as long as it is there.
import { expect, test } from "vitest";
import {
  createDriftLog,
  DRIFT_SAID_EVERY_MS,
  DRIFTS_REMEMBERED_MAX,
} from "../../../shared/adapters/kubernetes/drift-log.ts";
import { createVirtualClock } from "../../support/clock.ts";
import { createLogBook } from "../../support/world.ts";

function trial() {
  const clock = createVirtualClock();
  const log = createLogBook();
  const drifted = createDriftLog({ clock, log });
  const drift = (id: number, weight = 100) =>
    drifted({ endpoint: `teams/default/endpoints/e${id}`, expected: { a: 100 }, found: { b: weight } });
  return { clock, log, drift };
}

test("a drift is told once a minute, with what was expected and what is there", async () => {
  const { clock, log, drift } = trial();
  drift(1);
  drift(1);
  expect(log.lines).toEqual([
    {
      level: "error",
      message: expect.stringContaining("were changed by somebody else") as string,
      fields: { endpoint: "teams/default/endpoints/e1", expected: { a: 100 }, found: { b: 100 } },
    },
  ]);
  await clock.advance(DRIFT_SAID_EVERY_MS);
  drift(1);
  expect(log.lines).toHaveLength(2);
});

test("another change, or another endpoint, is told at once", () => {
  const { log, drift } = trial();
  drift(1);
  drift(1, 50);
  drift(2);
  expect(log.lines).toHaveLength(3);
});

test("of many endpoints the one told first is forgotten, and no memory grows", () => {
  const { log, drift } = trial();
  for (let id = 0; id <= DRIFTS_REMEMBERED_MAX; id++) drift(id);
  drift(DRIFTS_REMEMBERED_MAX);
  drift(0);
  expect(log.lines).toHaveLength(DRIFTS_REMEMBERED_MAX + 2);
});
