// Recording: decided once, raced safely, never half.
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openDatabase } from "../../shared/adapters/local/database.ts";
import { createLedger } from "../../shared/adapters/local/ledger.ts";
import { type Decider, happens, ignored } from "../../shared/domain/decider.ts";
import { ControlPlaneError } from "../../shared/domain/errors.ts";
import { factId } from "../../shared/domain/fact.ts";
import type { Ledger } from "../../shared/ports/ledger.ts";
import {
  FACTS_PER_DECISION_MAX,
  load,
  record,
  RECORD_ATTEMPTS_MAX,
  type RecordPorts,
} from "../../shared/runtime/record.ts";
import { CLOCK_START, createVirtualClock } from "../support/clock.ts";

interface Job {
  readonly builds: readonly string[];
  readonly times?: number;
}

/** Remembers builds in the order of their start; a build is started once. */
const builds: Decider<readonly string[], Job, "plan.started"> = {
  initial: [],
  decide(state, { builds: asked, times = 1 }) {
    if (asked.includes("refused")) throw new ControlPlaneError("FAILED_PRECONDITION", "no", { reason: "NO" });
    const fresh = asked.filter((build) => !state.includes(build));
    if (fresh.length === 0 && asked.length > 0) return ignored("all of them run");
    const facts = fresh.flatMap((build) =>
      Array.from({ length: times }, () => ({ type: "plan.started" as const, data: { build } })),
    );
    return happens(facts, [{ name: "look", time: "2030-01-01T00:00:00.000Z" }]);
  },
  evolve: (state, fact) => [...state, fact.data.build],
};

const STREAM = "stacks/a/plans/p";

function world(wrap: (ledger: Ledger) => Ledger = (ledger) => ledger) {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const announce = vi.fn<RecordPorts["announce"]>(async () => undefined);
  const ledger = createLedger(db);
  const ports: RecordPorts = { ledger: wrap(ledger), clock: createVirtualClock(), announce };
  const ask = (cause: string, input: Job, inputHash?: unknown) =>
    record(ports, builds, {
      stream: STREAM,
      cause,
      input,
      actor: "people/ann",
      correlation: "00-1",
      inputHash,
    });
  return { ledger, announce, ask };
}

describe("record", () => {
  test("writes the decided facts with their envelope and announces them once they are durable", async () => {
    const { ledger, announce, ask } = world();
    const { facts, status } = await ask("c1", { builds: ["x", "y"] });
    expect(status).toBe("appended");
    expect(facts[1]).toEqual({
      id: factId(STREAM, "c1", 1),
      type: "plan.started",
      subject: STREAM,
      version: 2,
      time: CLOCK_START,
      cause: "c1",
      correlation: "00-1",
      actor: "people/ann",
      data: { build: "y" },
    });
    expect((await ledger.read(STREAM)).facts).toEqual(facts);
    expect(announce.mock.calls).toEqual([[facts]]);
    expect(await load(ledger, builds, STREAM)).toEqual({ state: ["x", "y"], version: 2, folded: 2 });
  });

  test("answers a repeated cause as it did the first time, without deciding again", async () => {
    const { announce, ask } = world();
    const first = await ask("c1", { builds: ["x"] });
    await ask("c2", { builds: ["y"] });
    expect(await ask("c1", { builds: ["x"] })).toEqual({ status: "duplicate", facts: first.facts });
    expect(announce).toHaveBeenCalledTimes(2);
  });

  test("refuses a known cause with other content, and knows content by its canonical form", async () => {
    const { ask } = world();
    await ask("c1", { builds: ["x"], times: 1 });
    expect((await ask("c1", { times: 1, builds: ["x"] })).status).toBe("duplicate");
    await expect(ask("c1", { builds: ["y"] })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "CAUSE_REUSED",
    });
  });

  test("takes what identifies the content from the caller when it says so", async () => {
    const { ask } = world();
    await ask("c1", { builds: ["x"] }, "same");
    expect((await ask("c1", { builds: ["y"] }, "same")).status).toBe("duplicate");
  });

  test("an ignored input stays ignored, also when the state has moved on", async () => {
    const { ledger, announce, ask } = world();
    await ask("c1", { builds: ["x"] });
    const again = { status: "ignored", reason: "all of them run", facts: [] };
    expect(await ask("c2", { builds: ["x"] })).toEqual(again);
    await ask("c3", { builds: ["y"] });
    expect(await ask("c2", { builds: ["x"] })).toEqual(again);
    expect((await ledger.read(STREAM)).facts.map(({ version }) => version)).toEqual([1, 3]);
    expect(announce).toHaveBeenCalledTimes(2);
  });

  test("records nothing when the decider refuses", async () => {
    const { ledger, announce, ask } = world();
    await expect(ask("c1", { builds: ["refused"] })).rejects.toMatchObject({ reason: "NO" });
    expect(await ledger.read(STREAM)).toEqual({ version: 0, facts: [] });
    expect(await ledger.decision(STREAM, "c1")).toBeUndefined();
    expect(announce).not.toHaveBeenCalled();
  });

  test("decides again on the newer state when it lost a race", async () => {
    const { ask } = world();
    const answers = await Promise.all(["a", "b", "c"].map((cause) => ask(cause, { builds: ["x"] })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual(["appended", "ignored", "ignored"]);
  });

  test("answers a repeated cause as it did the first time, also when it would be refused by now", async () => {
    const { ledger } = world();
    const once: Decider<boolean, string, "plan.started"> = {
      initial: false,
      decide(started, build) {
        if (started) throw new ControlPlaneError("FAILED_PRECONDITION", "no", { reason: "NO" });
        return happens([{ type: "plan.started", data: { build } }]);
      },
      evolve: () => true,
    };
    const ports = { ledger, clock: createVirtualClock(), announce: async () => undefined };
    const ask = (cause: string) =>
      record(ports, once, { stream: STREAM, cause, input: cause, actor: "people/ann" });
    const first = await ask("c1");
    expect(await ask("c1")).toEqual({ status: "duplicate", facts: first.facts });
    await expect(ask("c2")).rejects.toMatchObject({ reason: "NO" });
  });

  test("decides and refuses on what others have written, however much it remembers", async () => {
    const { ledger, ask } = world();
    const elsewhere: RecordPorts = {
      ledger: { ...ledger },
      clock: createVirtualClock(),
      announce: async () => undefined,
    };
    const askElsewhere = (cause: string, input: Job) =>
      record(elsewhere, builds, { stream: STREAM, cause, input, actor: "people/bob" });
    await ask("c1", { builds: ["x"] });
    await askElsewhere("c2", { builds: ["y"] });
    expect(await ask("c3", { builds: ["y"] })).toMatchObject({ status: "ignored" });
    expect(await askElsewhere("c4", { builds: ["x", "y", "z"] })).toMatchObject({
      facts: [{ version: 4, data: { build: "z" } }],
    });
    expect((await load(ledger, builds, STREAM)).state).toEqual(["x", "y", "z"]);
  });

  test("forgets what a ledger that was put back to an earlier time does not hold any more", async () => {
    const restored = world();
    let isRestored = false;
    const { ask } = world((ledger) => ({
      ...ledger,
      read: async (...of) => (isRestored ? restored.ledger : ledger).read(...of),
      append: async (batch) => (isRestored ? restored.ledger : ledger).append(batch),
      decision: async (...of) => (isRestored ? restored.ledger : ledger).decision(...of),
    }));
    for (const build of ["a", "b", "c", "d", "e"]) await ask(build, { builds: [build] });
    await restored.ask("a", { builds: ["a"] });
    isRestored = true;
    expect(await ask("f", { builds: ["f"] })).toMatchObject({ facts: [{ version: 2 }] });
    for (const build of ["g", "h", "i", "j"]) await restored.ask(build, { builds: [build] });
    expect(await ask("e again", { builds: ["e"] })).toMatchObject({ facts: [{ version: 7 }] });
  });

  test("reads a stream once that nobody else writes, and no decision that is not there", async () => {
    const read = vi.fn<Ledger["read"]>();
    const decision = vi.fn<Ledger["decision"]>();
    const { ask } = world((ledger) => ({
      ...ledger,
      read: read.mockImplementation(ledger.read),
      decision: decision.mockImplementation(ledger.decision),
    }));
    for (const build of ["x", "y", "z"]) await ask(build, { builds: [build] });
    expect([read.mock.calls.length, decision.mock.calls.length]).toEqual([1, 0]);
  });

  test("gives up after a limit of lost races with an error that says to come back", async () => {
    const append = vi.fn<Ledger["append"]>(async () => "moved");
    const { ask } = world((ledger) => ({ ...ledger, append }));
    await expect(ask("c1", { builds: ["x"] })).rejects.toMatchObject({
      code: "ABORTED",
      reason: "STREAM_CONTENDED",
    });
    expect(append).toHaveBeenCalledTimes(RECORD_ATTEMPTS_MAX);
  });

  test("refuses a decision that is empty, too long, or not of the vocabulary's shape", async () => {
    const { ledger, ask } = world();
    await expect(ask("c1", { builds: [] })).rejects.toMatchObject({
      code: "INTERNAL",
      reason: "DECISION_SIZE",
    });
    const times = FACTS_PER_DECISION_MAX + 1;
    await expect(ask("c2", { builds: ["x"], times })).rejects.toMatchObject({ reason: "DECISION_SIZE" });
    await expect(ask("c3", { builds: [7 as unknown as string] })).rejects.toMatchObject({
      field: "data.build",
    });
    expect((await ledger.read(STREAM)).version).toBe(0);
  });

  test("any mix of repeats and races leaves each build once and the versions without a hole", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ cause: fc.nat(6), build: fc.nat(3) }), { maxLength: 20 }),
        async (asks) => {
          const { ledger, ask } = world();
          const answers = await Promise.allSettled(
            asks.map(({ cause, build }) => ask(`c${cause}`, { builds: [`b${build}`] })),
          );
          const { facts, version } = await ledger.read(STREAM);
          const started = facts.map(({ data }) => (data as { build: string }).build);
          expect(new Set(started).size).toBe(started.length);
          for (const [index, answer] of answers.entries()) {
            if (answer.status === "fulfilled") expect(started).toContain(`b${asks[index]?.build}`);
            else expect(answer.reason).toMatchObject({ reason: "CAUSE_REUSED" });
          }
          expect(version).toBe(new Set(asks.map(({ cause }) => cause)).size);
        },
      ),
      { numRuns: 40 },
    );
  });
});
