// The law of the ledger port, tried on every adapter.
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AnyFact } from "../../shared/domain/fact.ts";
import type { Batch, Ledger } from "../../shared/ports/ledger.ts";
import type { Outbox } from "../../shared/ports/outbox.ts";
import { batchOf, planStarted } from "../support/facts.ts";

/** A ledger to try, the outbox that its batches fill, and what a new process would find in the same store. */
export interface LedgerUnderTest {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly reopen: () => Promise<LedgerUnderTest>;
}

const NOW = "2030-01-01T00:00:00.000Z";
const RACERS = 8;

const ids = (facts: readonly AnyFact[]): string[] => facts.map(({ id }) => id);

/** Everything that a walk through the pages of a list finds. */
async function walk(ledger: Ledger, query: Omit<Parameters<Ledger["list"]>[0], "after">): Promise<AnyFact[]> {
  const found: AnyFact[] = [];
  let after: string | undefined;
  for (let page = 0; page < 100; page++) {
    const { facts, next } = await ledger.list(after === undefined ? query : { ...query, after });
    expect(facts.length).toBeLessThanOrEqual(query.limit);
    found.push(...facts);
    if (next === undefined) return found;
    after = next;
  }
  throw new Error("the list does not end");
}

/** Tries the whole law on one adapter; `create` answers an empty ledger. */
export function itBehavesLikeALedger(name: string, create: () => Promise<LedgerUnderTest>): void {
  describe(`${name} is a ledger`, () => {
    streams(create);
    races(create);
    lists(create);
    durability(create);
    documents(create);
    snapshots(create);
  });
}

function snapshots(create: () => Promise<LedgerUnderTest>): void {
  const fold = { name: "plan", schema: 2 };
  const streamOf = async () => {
    const under = await create();
    for (const [index, build] of ["b1", "b2", "b3"].entries())
      await under.ledger.append(batchOf("stacks/a", index, `c${index}`, [planStarted(build)]));
    return under;
  };

  test("a snapshot comes back as it was kept, and the newest of its fold is found", async () => {
    const { ledger, reopen } = await streamOf();
    expect(await ledger.snapshot("stacks/a", fold)).toBeUndefined();
    await ledger.keepSnapshot("stacks/a", fold, { version: 1, state: { b: 1, a: [null, "🚂"] } });
    expect(await ledger.snapshot("stacks/a", fold)).toEqual({ version: 1, state: { b: 1, a: [null, "🚂"] } });
    await ledger.keepSnapshot("stacks/a", fold, { version: 3, state: "three" });
    expect(await ledger.snapshot("stacks/b", fold)).toBeUndefined();
    expect(await ledger.snapshot("stacks/a", { name: "other", schema: 2 })).toBeUndefined();
    const again = (await reopen()).ledger;
    expect(await again.snapshot("stacks/a", fold)).toEqual({ version: 3, state: "three" });
  });

  test("a snapshot is create-only: one that is there at its version stays, and an older one changes nothing", async () => {
    const { ledger } = await streamOf();
    await ledger.keepSnapshot("stacks/a", fold, { version: 2, state: "first" });
    await ledger.keepSnapshot("stacks/a", fold, { version: 2, state: "second" });
    await ledger.keepSnapshot("stacks/a", fold, { version: 1, state: "older" });
    expect(await ledger.snapshot("stacks/a", fold)).toEqual({ version: 2, state: "first" });
  });

  test("a snapshot of another schema is not given, and an older one is dropped by the next that is kept", async () => {
    const { ledger } = await streamOf();
    const old = { ...fold, schema: 1 };
    await ledger.keepSnapshot("stacks/a", old, { version: 3, state: "of a program before" });
    expect(await ledger.snapshot("stacks/a", fold)).toBeUndefined();
    await ledger.keepSnapshot("stacks/a", fold, { version: 2, state: "now" });
    expect(await ledger.snapshot("stacks/a", old)).toBeUndefined();
    expect(await ledger.snapshot("stacks/a", fold)).toEqual({ version: 2, state: "now" });
  });

  test("a snapshot ahead of its stream is not kept: it would hide the facts to come", async () => {
    const { ledger } = await streamOf();
    await ledger.keepSnapshot("stacks/a", fold, { version: 4, state: "ahead" });
    await ledger.keepSnapshot("stacks/none", fold, { version: 1, state: "ahead" });
    expect(await ledger.snapshot("stacks/a", fold)).toBeUndefined();
    expect(await ledger.snapshot("stacks/none", fold)).toBeUndefined();
  });
}

function streams(create: () => Promise<LedgerUnderTest>): void {
  test("an unknown stream is empty and has version 0", async () => {
    const { ledger } = await create();
    expect(await ledger.read("stacks/none")).toEqual({ version: 0, facts: [] });
    expect(await ledger.decision("stacks/none", "c")).toBeUndefined();
  });

  test("facts come back as they were appended, oldest first, after a version if asked", async () => {
    const { ledger } = await create();
    const first = batchOf("stacks/a", 0, "c1", [planStarted("b1"), planStarted("b2")]);
    const second = batchOf("stacks/a", 2, "c2", [planStarted("b3")]);
    expect(await ledger.append(first)).toBe("appended");
    expect(await ledger.append(second)).toBe("appended");
    expect(await ledger.read("stacks/a")).toEqual({ version: 3, facts: [...first.facts, ...second.facts] });
    expect(await ledger.read("stacks/a", 2)).toEqual({ version: 3, facts: second.facts });
    expect(await ledger.read("stacks/a", 3)).toEqual({ version: 3, facts: [] });
  });

  test("an ignored input takes a version and keeps its reason, and is no fact", async () => {
    const { ledger, outbox } = await create();
    expect(await ledger.append({ ...batchOf("stacks/a", 0, "c1", []), ignored: "nothing changed" })).toBe(
      "appended",
    );
    expect(await ledger.read("stacks/a")).toEqual({ version: 1, facts: [] });
    expect(await ledger.decision("stacks/a", "c1")).toMatchObject({ ignored: "nothing changed", facts: [] });
    expect(await outbox.pending(NOW, 10)).toEqual([]);
    expect((await ledger.list({ limit: 10, order: "oldest-first" })).facts).toEqual([]);
    expect(await ledger.append(batchOf("stacks/a", 1, "c2", [planStarted("b")]))).toBe("appended");
    expect((await ledger.read("stacks/a")).facts.map(({ version }) => version)).toEqual([2]);
  });

  test("a batch at the wrong version writes nothing", async () => {
    const { ledger, outbox } = await create();
    expect(await ledger.append(batchOf("stacks/a", 1, "c1", [planStarted("b")]))).toBe("moved");
    expect(await ledger.read("stacks/a")).toEqual({ version: 0, facts: [] });
    expect(await ledger.decision("stacks/a", "c1")).toBeUndefined();
    expect(await outbox.pending(NOW, 10)).toEqual([]);
  });

  test("a fact that does not continue its batch is refused, naming the fact", async () => {
    const { ledger } = await create();
    const good = batchOf("stacks/a", 0, "c1", [planStarted("b")]);
    const wrong = { ...good, facts: good.facts.map((fact) => ({ ...fact, version: 7 })) };
    await expect(ledger.append(wrong)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field: "facts[0]" });
    expect((await ledger.read("stacks/a")).version).toBe(0);
  });
}

function races(create: () => Promise<LedgerUnderTest>): void {
  test("exactly one of eight racing writers wins", async () => {
    const { ledger } = await create();
    const race = (index: number): Batch =>
      batchOf("stacks/a", 0, `cause-${index}`, [planStarted(`b${index}`)]);
    const answers = await Promise.all(
      Array.from({ length: RACERS }, (_, index) => ledger.append(race(index))),
    );
    expect(answers.toSorted()).toEqual(["appended", ...Array.from({ length: RACERS - 1 }, () => "moved")]);
    const stream = await ledger.read("stacks/a");
    expect(stream.version).toBe(1);
    expect(stream.facts[0]?.cause).toBe(`cause-${answers.indexOf("appended")}`);
  });

  test("a cause is decided once per stream, whoever asks again", async () => {
    const { ledger } = await create();
    const batch = batchOf("stacks/a", 0, "c", [planStarted("b")]);
    const answers = await Promise.all(Array.from({ length: RACERS }, () => ledger.append(batch)));
    expect(answers.toSorted().join()).toBe(["appended", ...Array(RACERS - 1).fill("decided")].join());
    expect(await ledger.append(batchOf("stacks/a", 1, "c", [planStarted("other")]))).toBe("decided");
    const late = { ...batchOf("stacks/a", 1, "late", []), ignored: "late" };
    expect(await ledger.append(late)).toBe("appended");
    expect(await ledger.append({ ...late, expected: 2 })).toBe("decided");
    expect(await ledger.read("stacks/a")).toEqual({ version: 2, facts: batch.facts });
    expect(await ledger.decision("stacks/a", "c")).toEqual({
      stream: "stacks/a",
      cause: "c",
      inputHash: batch.inputHash,
      facts: batch.facts,
      time: batch.time,
    });
  });

  test("the same cause on another stream is another decision", async () => {
    const { ledger } = await create();
    expect(await ledger.append(batchOf("stacks/a", 0, "c", [planStarted("b")]))).toBe("appended");
    expect(await ledger.append(batchOf("stacks/b", 0, "c", [planStarted("b")]))).toBe("appended");
  });
}

function lists(create: () => Promise<LedgerUnderTest>): void {
  test("pages hold every fact once, in the order of their commits, both ways", async () => {
    const { ledger } = await create();
    const all: AnyFact[] = [];
    for (let index = 0; index < 7; index++) {
      const batch = batchOf(`stacks/s${index % 3}`, Math.floor(index / 3) * 2, `c${index}`, [
        planStarted(`a${index}`),
        planStarted(`b${index}`),
      ]);
      expect(await ledger.append(batch)).toBe("appended");
      all.push(...batch.facts);
    }
    for (const limit of [1, 3, 7, 14, 50]) {
      expect(ids(await walk(ledger, { limit, order: "oldest-first" }))).toEqual(ids(all));
      expect(ids(await walk(ledger, { limit, order: "newest-first" }))).toEqual(ids(all.toReversed()));
    }
  });

  test("a subject selects one stream, a subject with / what lies below it, types select types", async () => {
    const { ledger } = await create();
    for (const stream of ["stacks/a", "stacks/a/plans/p", "stacks/a/plans/q", "stacks/a-b", "stacks/b"]) {
      await ledger.append(batchOf(stream, 0, "c", [planStarted("b")]));
    }
    await ledger.append(
      batchOf("stacks/a", 1, "d", [{ type: "stack.unblocked", data: { reason: "looked" } }]),
    );
    const subjects = async (query: object): Promise<string[]> =>
      (await walk(ledger, { limit: 2, order: "oldest-first", ...query })).map(({ subject }) => subject);
    expect(await subjects({ subject: "stacks/a" })).toEqual(["stacks/a", "stacks/a"]);
    expect(await subjects({ subject: "stacks/a/" })).toEqual(["stacks/a/plans/p", "stacks/a/plans/q"]);
    expect(await subjects({ subject: "stacks/" })).toHaveLength(6);
    expect(await subjects({ subject: "stacks/a", types: ["stack.unblocked"] })).toEqual(["stacks/a"]);
    expect(await subjects({ types: ["stack.unblocked", "plan.started"] })).toHaveLength(6);
    expect(await subjects({ types: [] })).toEqual([]);
  });

  test("the cursor of every fact leads to the facts behind it, also to those that come later and in other lists", async () => {
    const { ledger } = await create();
    await ledger.append(batchOf("stacks/a", 0, "c", [planStarted("1"), planStarted("2"), planStarted("3")]));
    const { facts, cursors, next } = await ledger.list({ limit: 10, order: "oldest-first" });
    expect([cursors.length, new Set(cursors).size, next]).toEqual([3, 3, undefined]);
    const newest = await ledger.list({ limit: 2, order: "newest-first" });
    expect(newest.cursors).toEqual(cursors.slice(1).toReversed());
    await ledger.append(batchOf("stacks/b", 0, "d", [planStarted("4")]));
    for (const [index, after] of cursors.entries()) {
      const behind = await ledger.list({ limit: 10, order: "oldest-first", after });
      expect(ids(behind.facts).slice(0, -1)).toEqual(ids(facts.slice(index + 1)));
      expect(behind.facts.at(-1)?.subject).toBe("stacks/b");
    }
  });

  test("a cursor that is not of the list is refused", async () => {
    const { ledger } = await create();
    await expect(ledger.list({ limit: 1, order: "oldest-first", after: "' OR 1" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "after",
    });
  });
}

function durability(create: () => Promise<LedgerUnderTest>): void {
  test("facts, causes, outbox rows and timers are there after the store is opened again", async () => {
    const before = await create();
    const batch = {
      ...batchOf("stacks/a", 0, "c", [planStarted("b")]),
      due: [{ name: "deadline", time: NOW }],
    };
    await before.ledger.append(batch);
    await before.ledger.append({ ...batchOf("stacks/a", 1, "d", []), ignored: "late" });
    const after = await before.reopen();
    expect(await after.ledger.read("stacks/a")).toEqual({ version: 2, facts: batch.facts });
    expect((await after.ledger.decision("stacks/a", "d"))?.ignored).toBe("late");
    expect(await after.ledger.append(batch)).toBe("decided");
    expect((await after.outbox.pending(NOW, 10)).map(({ fact }) => fact)).toEqual(batch.facts);
    expect((await after.outbox.timersDue(NOW, 10)).map(({ name, stream }) => [name, stream])).toEqual([
      ["deadline", "stacks/a"],
    ]);
  });
}

function documents(create: () => Promise<LedgerUnderTest>): void {
  test("Unicode, key order, precision and awkward keys survive", async () => {
    const { ledger } = await create();
    const policy = JSON.parse(
      '{"z":1,"a":{"__proto__":{"x":1},"constructor":2,"naïve 🚂":"\\u0000\\u2028 ﷽"},"n":[0.1,1e-7,9007199254740991,-1.5e300,null,true,""]}',
    ) as unknown;
    const cause = "api/жар-птица/🚂";
    const data = {
      repository: "r",
      commit: "c",
      serving: { parameters: {}, directory: "." },
      rollout: policy,
      standbyMs: 0,
    };
    const batch = batchOf("teams/t/endpoints/e", 0, cause, [{ type: "endpoint.configured", data }]);
    await ledger.append(batch);
    const { facts } = await ledger.read("teams/t/endpoints/e");
    expect(JSON.stringify(facts)).toBe(JSON.stringify(batch.facts));
    expect((await ledger.decision("teams/t/endpoints/e", cause))?.facts).toEqual(batch.facts);
  });

  test("a document of half a megabyte comes back whole", async () => {
    const { ledger } = await create();
    const big = randomBytes(256 * 1024).toString("hex");
    const batch = batchOf("stacks/a", 0, "c", [planStarted(big)]);
    await ledger.append(batch);
    expect((await ledger.read("stacks/a")).facts).toEqual(batch.facts);
  });

  test("a number that JSON cannot carry is refused instead of changed", async () => {
    const { ledger } = await create();
    const batch = batchOf("teams/t/endpoints/e", 0, "c", [
      { type: "endpoint.held", data: { reason: "r", epoch: Number.NaN } },
    ]);
    await expect(ledger.append(batch)).rejects.toMatchObject({ reason: "NOT_JSON", field: "epoch" });
    expect((await ledger.read("teams/t/endpoints/e")).version).toBe(0);
  });
}
