// The law of the outbox port, tried on every adapter.
import { describe, expect, test } from "vitest";
import type { LedgerUnderTest } from "./ledger.ts";
import { batchOf, FACT_TIME, planStarted } from "../support/facts.ts";

const LATER = "2026-01-02T04:00:00.000Z";
const LAST = "2026-01-03T00:00:00.000Z";

/** Tries the whole law on one adapter; `create` answers an empty ledger with its outbox. */
export function itBehavesLikeAnOutbox(name: string, create: () => Promise<LedgerUnderTest>): void {
  describe(`${name} is an outbox`, () => {
    rows(create);
    timers(create);
  });
}

function rows(create: () => Promise<LedgerUnderTest>): void {
  test("appended facts are pending, oldest first, as many as asked", async () => {
    const { ledger, outbox } = await create();
    const first = batchOf("stacks/b", 0, "c1", [planStarted("1"), planStarted("2")]);
    const second = batchOf("stacks/a", 0, "c2", [planStarted("3")]);
    await ledger.append(first);
    await ledger.append(second);
    const all = [...first.facts, ...second.facts].map((fact) => ({ fact, attempts: 0, since: FACT_TIME }));
    expect(await outbox.pending(LATER, 10)).toEqual(all);
    expect(await outbox.pending(LATER, 2)).toEqual(all.slice(0, 2));
  });

  test("a published fact is pending no more, and settling it again changes nothing", async () => {
    const { ledger, outbox } = await create();
    const batch = batchOf("stacks/a", 0, "c", [planStarted("1"), planStarted("2")]);
    await ledger.append(batch);
    const [one, two] = batch.facts;
    await outbox.settle(one?.id ?? "", { published: true, time: LATER });
    await outbox.settle(one?.id ?? "", { published: true, time: LAST });
    await outbox.settle(one?.id ?? "", { published: false, nextAttempt: LATER });
    expect((await outbox.pending(LAST, 10)).map(({ fact }) => fact.id)).toEqual([two?.id]);
  });

  test("a failed attempt is counted and offered again when its time has come", async () => {
    const { ledger, outbox } = await create();
    const batch = batchOf("stacks/a", 0, "c", [planStarted("1")]);
    await ledger.append(batch);
    const id = batch.facts[0]?.id ?? "";
    await outbox.settle(id, { published: false, nextAttempt: LATER });
    expect(await outbox.pending("2026-01-02T03:59:59.999Z", 10)).toEqual([]);
    expect(await outbox.pending(LATER, 10)).toMatchObject([{ attempts: 1, since: FACT_TIME }]);
    await outbox.settle(id, { published: false, nextAttempt: LAST });
    expect(await outbox.pending(LAST, 10)).toMatchObject([{ attempts: 2 }]);
  });

  test("settling an unknown fact is harmless", async () => {
    const { outbox } = await create();
    await outbox.settle("nobody", { published: true, time: LATER });
    expect(await outbox.pending(LAST, 10)).toEqual([]);
  });

  test("pending facts and their attempts are there after the store is opened again", async () => {
    const before = await create();
    const batch = batchOf("stacks/a", 0, "c", [planStarted("1"), planStarted("2")]);
    await before.ledger.append(batch);
    await before.outbox.settle(batch.facts[0]?.id ?? "", { published: true, time: LATER });
    await before.outbox.settle(batch.facts[1]?.id ?? "", { published: false, nextAttempt: LATER });
    const { outbox } = await before.reopen();
    expect(await outbox.pending(LAST, 10)).toEqual([{ fact: batch.facts[1], attempts: 1, since: FACT_TIME }]);
  });
}

function timers(create: () => Promise<LedgerUnderTest>): void {
  test("timers are due from their time on, oldest first, until they have fired", async () => {
    const { ledger, outbox } = await create();
    const due = [
      { name: "later", time: "2026-01-02T05:00:00Z" },
      { name: "soon", time: "2026-01-02T05:30:00+01:30" },
    ];
    await ledger.append({ ...batchOf("stacks/a", 0, "c", [planStarted("1")]), due });
    expect(await outbox.timersDue("2026-01-02T03:59:59.999Z", 10)).toEqual([]);
    const [soon] = await outbox.timersDue(LATER, 10);
    expect(soon).toMatchObject({ stream: "stacks/a", name: "soon", due: "2026-01-02T04:00:00.000Z" });
    expect((await outbox.timersDue(LAST, 10)).map(({ name }) => name)).toEqual(["soon", "later"]);
    expect((await outbox.timersDue(LAST, 1)).map(({ name }) => name)).toEqual(["soon"]);
    await outbox.timerFired(soon?.id ?? "", LATER);
    await outbox.timerFired(soon?.id ?? "", LAST);
    expect((await outbox.timersDue(LAST, 10)).map(({ name }) => name)).toEqual(["later"]);
  });

  test("the same name in a later decision is another timer", async () => {
    const { ledger, outbox } = await create();
    await ledger.append({
      ...batchOf("stacks/a", 0, "c", [planStarted("1")]),
      due: [{ name: "n", time: LATER }],
    });
    await ledger.append({
      ...batchOf("stacks/a", 1, "d", [planStarted("2")]),
      due: [{ name: "n", time: LAST }],
    });
    const found = await outbox.timersDue(LAST, 10);
    expect(found.map(({ name, due }) => [name, due])).toEqual([
      ["n", LATER],
      ["n", LAST],
    ]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(2);
  });

  test("a timer without a time is refused with its name, and nothing is written", async () => {
    const { ledger, outbox } = await create();
    const batch = {
      ...batchOf("stacks/a", 0, "c", [planStarted("1")]),
      due: [{ name: "deadline", time: "soon" }],
    };
    await expect(ledger.append(batch)).rejects.toThrow(/deadline/);
    expect(await outbox.pending(LAST, 10)).toEqual([]);
  });
}
