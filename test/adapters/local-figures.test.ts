// Figures over real SQLite: what is counted once stays counted, and nothing is counted twice.
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createFigures, ROWS_COUNTED_AT_ONCE_MAX } from "../../shared/adapters/local/figures.ts";
import type { Draft } from "../../shared/domain/fact.ts";
import { batchOf, FACT_TIME, planStarted } from "../support/facts.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createWorld } from "../support/world.ts";

function worldAt(path = ":memory:") {
  const world = createWorld({ path });
  onTestFinished(() => world.close());
  return { world, figures: createFigures(world.db) };
}

const rolledBack = (trigger: "judge" | "person"): Draft<"rollout.rolled-back"> => ({
  type: "rollout.rolled-back",
  data: { modelVersion: "teams/default/models/ranker/versions/2", trigger, reason: "errors" },
});

const receipt = (guid: string) => ({
  guid,
  event: "push",
  bodyHash: `sha256:${guid}`,
  body: new Uint8Array(),
  receivedAt: FACT_TIME,
});

const settled = (outcome: "accepted" | "ignored") => ({ outcome, reason: "", time: FACT_TIME });

test("an empty store has nothing to count", async () => {
  expect(await worldAt().figures.read()).toEqual({
    facts: [],
    deliveries: [],
    outbox: { pending: 0, oldest: undefined },
    timers: { waiting: 0, earliest: undefined },
    deadLetters: [],
  });
});

test("facts are counted by type and by the field that tells them apart, each once over many readings", async () => {
  const { world, figures } = worldAt();
  await world.ledger.append(batchOf("stacks/a", 0, "one", [planStarted("1"), planStarted("2")]));
  expect((await figures.read()).facts).toEqual([{ type: "plan.started", detail: "", count: 2 }]);
  await world.ledger.append(
    batchOf("rollouts/r", 0, "two", [rolledBack("judge"), rolledBack("person"), rolledBack("judge")]),
  );
  await world.ledger.append(batchOf("stacks/a", 2, "three", [planStarted("3")]));
  const readings = await Promise.all([figures.read(), figures.read(), figures.read()]);
  for (const { facts } of [...readings, await figures.read()]) {
    expect(facts.toSorted((one, other) => (one.detail < other.detail ? -1 : 1))).toEqual([
      { type: "plan.started", detail: "", count: 3 },
      { type: "rollout.rolled-back", detail: "judge", count: 2 },
      { type: "rollout.rolled-back", detail: "person", count: 1 },
    ]);
  }
});

test("a delivery moves from pending to its outcome, whatever the order of settling", async () => {
  const { world, figures } = worldAt();
  const deliveries = async () =>
    Object.fromEntries((await figures.read()).deliveries.map(({ outcome, count }) => [outcome, count]));
  for (const guid of ["a", "b", "c", "d"]) await world.receipts.put(receipt(guid));
  expect(await deliveries()).toEqual({ pending: 4 });
  await world.receipts.settle("a", settled("accepted"));
  await world.receipts.settle("c", settled("ignored"));
  expect(await deliveries()).toEqual({ accepted: 1, ignored: 1, pending: 2 });
  await world.receipts.settle("b", settled("accepted"));
  expect(await deliveries()).toEqual({ accepted: 2, ignored: 1, pending: 1 });
  await world.receipts.settle("d", settled("ignored"));
  expect(await deliveries()).toEqual({ accepted: 2, ignored: 2 });
  expect(await deliveries()).toEqual({ accepted: 2, ignored: 2 });
});

test("what waits is told with its age, and dead letters by service", async () => {
  const { world, figures } = worldAt();
  const due = [{ name: "deadline", time: "2026-02-01T00:00:00Z" }];
  await world.ledger.append({ ...batchOf("stacks/a", 0, "one", [planStarted("1"), planStarted("2")]), due });
  await world.deadLetters.put({
    id: "1",
    service: "registry",
    reason: "DEFECT",
    message: "",
    payload: null,
    time: FACT_TIME,
  });
  const before = await figures.read();
  expect(before.outbox).toEqual({ pending: 2, oldest: FACT_TIME });
  expect(before.timers).toEqual({ waiting: 1, earliest: "2026-02-01T00:00:00.000Z" });
  expect(before.deadLetters).toEqual([{ service: "registry", count: 1 }]);
  for (const { fact } of await world.outbox.pending("2026-03-01T00:00:00.000Z", 10))
    await world.outbox.settle(fact.id, { published: true, time: FACT_TIME });
  expect((await figures.read()).outbox).toEqual({ pending: 0, oldest: undefined });
});

test("counting in several goes, and by a program that was started again, gives the same numbers", async () => {
  const path = join(temporaryFolder(), "ledger.db");
  const { world, figures } = worldAt(path);
  const facts = ROWS_COUNTED_AT_ONCE_MAX + 10;
  // Rows as the ledger writes them; appending so many one by one would only take longer.
  await world.db.write((sql) =>
    sql.run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${facts})
       INSERT INTO facts (id, stream, version, type, time, cause, correlation, actor, data)
       SELECT 'id-' || i, 'stacks/a', i, 'plan.started', ?, '', '', '', '{}' FROM n`,
      FACT_TIME,
    ),
  );
  const expected = [{ type: "plan.started", detail: "", count: facts }];
  expect((await figures.read()).facts).toEqual(expected);
  expect((await createFigures(world.db).read()).facts).toEqual(expected);
});
