// The ledger and the outbox on SQLite in a file.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { createOutbox, SETTLED_KEPT_MS } from "../../shared/adapters/local/outbox.ts";
import { batchOf, planStarted } from "../support/facts.ts";
import { itBehavesLikeALedger, type LedgerUnderTest } from "../contracts/ledger.ts";
import { itBehavesLikeAnOutbox } from "../contracts/outbox.ts";

function inFile(path: string): LedgerUnderTest {
  const db = openDatabase(path);
  onTestFinished(() => db.close());
  return {
    ledger: createLedger(db),
    outbox: createOutbox(db),
    async reopen() {
      db.close();
      return inFile(path);
    },
  };
}

async function create(): Promise<LedgerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-ledger-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return inFile(join(folder, "ledger.db"));
}

itBehavesLikeALedger("the SQLite ledger", create);
itBehavesLikeAnOutbox("the SQLite outbox", create);

test("settled rows and fired timers are kept for their time and then removed, the facts never", async () => {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const ledger = createLedger(db);
  const outbox = createOutbox(db);
  const [start, end] = [
    "2026-01-03T00:00:00.000Z",
    new Date(Date.parse("2026-01-03T00:00:00.000Z") + SETTLED_KEPT_MS + 1).toISOString(),
  ];
  const kept = (): unknown => ({
    ...db.row("SELECT (SELECT count(*) FROM outbox) AS rows, (SELECT count(*) FROM timers) AS timers"),
  });
  for (const stream of ["stacks/a", "stacks/b"]) {
    await ledger.append({
      ...batchOf(stream, 0, "c", [planStarted("b")]),
      due: [{ name: "n", time: start }],
    });
  }
  const [first, second] = await outbox.pending(start, 2);
  const [one, two] = await outbox.timersDue(start, 2);
  await outbox.settle(first?.fact.id ?? "", { published: true, time: start });
  await outbox.timerFired(one?.id ?? "", start);
  expect(kept()).toEqual({ rows: 2, timers: 2 });
  await outbox.settle(second?.fact.id ?? "", { published: true, time: end });
  await outbox.timerFired(two?.id ?? "", end);
  expect(kept()).toEqual({ rows: 1, timers: 1 });
  expect((await ledger.list({ limit: 10, order: "oldest-first" })).facts).toHaveLength(2);
});

test("a remembered stream grows by what another connection appended, and no reader can change it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-ledger-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "ledger.db");
  const [mine, other] = [inFile(path).ledger, inFile(path).ledger];
  const append = (from: number) =>
    other.append(batchOf("stacks/a", from, `c${from}`, [planStarted("b"), planStarted("b")]));
  expect(await mine.read("stacks/a")).toEqual({ version: 0, facts: [] });
  for (const from of [0, 2, 4]) {
    await append(from);
    const { version, facts } = await mine.read("stacks/a");
    expect([version, facts.map((fact) => fact.version)]).toEqual([
      from + 2,
      Array.from({ length: from + 2 }, (_, index) => index + 1),
    ]);
    expect(await mine.read("stacks/a", from)).toEqual({ version, facts: facts.slice(from) });
    expect(await other.read("stacks/a")).toEqual({ version, facts });
  }
  const { facts } = await mine.read("stacks/a");
  expect(() => Object.assign(facts[0]?.data ?? {}, { commit: "another" })).toThrow(TypeError);
});

test("a stream that is shorter than it was is read anew", async () => {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const ledger = createLedger(db);
  await ledger.append(batchOf("stacks/a", 0, "c1", [planStarted("b")]));
  await ledger.append(batchOf("stacks/a", 1, "c2", [planStarted("b")]));
  expect((await ledger.read("stacks/a")).facts).toHaveLength(2);
  await db.write((sql) => {
    sql.run("DELETE FROM outbox WHERE position = (SELECT position FROM facts WHERE version = 2)");
    sql.run("DELETE FROM facts WHERE version = 2");
    sql.run("UPDATE streams SET version = 1");
  });
  const { version, facts } = await ledger.read("stacks/a");
  expect([version, facts.map(({ cause }) => cause)]).toEqual([1, ["c1"]]);
});
