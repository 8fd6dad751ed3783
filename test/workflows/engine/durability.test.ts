import { describe, expect, test } from "vitest";
import {
  advance,
  CassetteError,
  complete,
  createChaosDriver,
  createMemoryJournal,
  createRecordingDriver,
  createReplayDriver,
  createScriptedDriver,
  createVirtualClock,
  execute,
  jsonResponse,
  launch,
  NonDeterminismError,
  restore,
  resume,
  snapshot,
  start,
  fireTimer,
  type JournalEntry,
  type Machine,
  type Outcome,
  type Program,
  type Snapshot,
} from "../../../workflows/engine/engine.ts";
import { BUSY_ARGUMENT, BUSY_WORKFLOW, busyScript } from "./support/busy-workflow.ts";
import { program } from "./support/run-workflow.ts";

const SETTINGS = { argument: JSON.stringify(BUSY_ARGUMENT), seed: "busy" };

/** Runs the busy workflow over a journal; time goes on where the journal ends. */
async function runBusy(
  compiled: Program,
  journal: JournalEntry[],
  seed = SETTINGS.seed,
): Promise<{ outcome: Outcome; journal: JournalEntry[]; requests: number }> {
  const times = journal.map((entry) => ("atMs" in entry ? entry.atMs : 0));
  const store = createMemoryJournal(structuredClone(journal));
  const driver = createScriptedDriver(busyScript());
  const clock = createVirtualClock({ startMs: Math.max(0, ...times) });
  const outcome = await execute(compiled, {
    ...SETTINGS,
    seed,
    journal: store,
    perform: driver.perform,
    clock,
  });
  return { outcome, journal: store.entries, requests: driver.requests.length };
}

describe("a crash", () => {
  test("at any entry of the journal leads to the same result and the same journal", async () => {
    const compiled = program(BUSY_WORKFLOW);
    const whole = await runBusy(compiled, []);
    expect(whole.outcome).toMatchObject({
      state: "SUCCEEDED",
      result: expect.stringContaining('"total":40') as string,
    });
    const kinds = new Set(
      whole.journal.map((entry) =>
        entry.type === "EffectRequested"
          ? entry.request.kind === "sleep"
            ? entry.request.reason
            : entry.request.kind
          : entry.type,
      ),
    );
    expect([...kinds].toSorted()).toEqual([
      "EffectCompleted",
      "ExecutionFinished",
      "ExecutionStarted",
      "TimerFired",
      "http",
      "log",
      "now",
      "poll",
      "retry",
      "sleep",
    ]);
    for (let length = 1; length <= whole.journal.length; length++) {
      const again = await runBusy(compiled, whole.journal.slice(0, length));
      expect(again.outcome, `cut after ${length} entries`).toEqual(whole.outcome);
      expect(again.journal, `cut after ${length} entries`).toEqual(whole.journal);
    }
  });

  test("after the end repeats no effect", async () => {
    const compiled = program(BUSY_WORKFLOW);
    const whole = await runBusy(compiled, []);
    const again = await runBusy(compiled, whole.journal);
    expect(again.requests).toBe(0);
    expect(again.outcome).toEqual(whole.outcome);
  });

  test("asks again, with the same id, for what had no completion", async () => {
    const compiled = program(
      "- a:\n    call: http.post\n    args: {url: 'https://x.test/'}\n    result: r\n- b:\n    return: ${r.code}\n",
    );
    const journal = createMemoryJournal();
    const first = createScriptedDriver([{ when: "POST", answers: [jsonResponse(200, {})] }]);
    const dying = execute(compiled, {
      seed: "s",
      journal,
      clock: createVirtualClock(),
      perform: () => Promise.reject(new Error("power cut")),
    });
    await expect(dying).rejects.toThrow("power cut");
    expect(journal.entries.map(({ type }) => type)).toEqual(["ExecutionStarted", "EffectRequested"]);
    expect(
      await execute(compiled, { seed: "s", journal, clock: createVirtualClock(), perform: first.perform }),
    ).toEqual({ state: "SUCCEEDED", result: "200" });
    expect(first.requests.map(({ id }) => id)).toEqual(["0/0"]);
  });

  test("in a sleep keeps the original due time", async () => {
    const compiled = program(
      "- a:\n    call: sys.sleep\n    args: {seconds: 100}\n- b:\n    return: ${sys.now()}\n",
    );
    const journal = createMemoryJournal();
    const first = launch(compiled, {
      seed: "s",
      journal,
      clock: createVirtualClock({ automatic: false }),
      perform: createScriptedDriver().perform,
    });
    await expect.poll(() => journal.entries.length).toBe(2);
    const clock = createVirtualClock({ startMs: 70_000 });
    expect(
      await execute(compiled, {
        seed: "s",
        journal: createMemoryJournal([...journal.entries]),
        clock,
        perform: createScriptedDriver().perform,
      }),
    ).toEqual({ state: "SUCCEEDED", result: "100" });
    first.cancel();
    await first.finished;
  });

  test("of the journal store stops the execution before its effects", async () => {
    const driver = createScriptedDriver();
    const journal = { load: async () => [], append: () => Promise.reject(new Error("disk full")) };
    const compiled = program("- a:\n    call: http.get\n    args: {url: 'https://x.test/'}\n");
    await expect(
      execute(compiled, { seed: "s", journal, clock: createVirtualClock(), perform: driver.perform }),
    ).rejects.toThrow("disk full");
    expect(driver.requests).toEqual([]);
  });
});

describe("a changed workflow", () => {
  const before =
    "- a:\n    call: http.get\n    args: {url: 'https://x.test/1'}\n- b:\n    call: sys.sleep\n    args: {seconds: 1}\n";
  const entries = async (): Promise<JournalEntry[]> => {
    const journal = createMemoryJournal();
    await execute(program(before), {
      seed: "s",
      journal,
      clock: createVirtualClock(),
      perform: createScriptedDriver([{ when: "GET", answers: [jsonResponse(200, {})] }]).perform,
    });
    return journal.entries;
  };

  test("is named by the step and line that now do something else", async () => {
    const changed = program(
      before
        .replace("- b:", "- extra:\n    assign: [{x: 1}]\n- b:")
        .replace("call: sys.sleep\n    args: {seconds: 1}", "call: sys.log\n    args: {text: hi}"),
    );
    const journal = await entries();
    let caught: unknown;
    try {
      resume(changed, journal);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(NonDeterminismError);
    expect(caught).toMatchObject({ step: "b", line: 6 });
    expect((caught as Error).message).toContain("sleep in step");
  });

  test("is refused even where it still does the same", async () => {
    const journal = await entries();
    expect(() => resume(program(`${before}# a comment\n`), journal)).toThrow(NonDeterminismError);
  });

  test("is found in a journal that was tampered with", async () => {
    const journal = await entries();
    const index = journal.findIndex(({ type }) => type === "EffectCompleted");
    expect(() =>
      resume(
        program(before),
        journal.with(index, { type: "EffectCompleted", id: "0/99", result: { kind: "done" }, atMs: 0 }),
      ),
    ).toThrow(NonDeterminismError);
    expect(() => resume(program(before), [])).toThrow(NonDeterminismError);
  });
});

describe("a machine at rest", () => {
  test("survives JSON between any two turns", async () => {
    const compiled = program(BUSY_WORKFLOW);
    const whole = await runBusy(compiled, []);
    let machine: Machine = start(compiled, { ...SETTINGS, nowMs: 0 }).machine;
    machine = advance(thaw(compiled, machine)).machine;
    for (const entry of whole.journal) {
      if (entry.type === "EffectCompleted")
        machine = complete(thaw(compiled, machine), entry.id, entry.result, entry.atMs).machine;
      if (entry.type === "TimerFired")
        machine = fireTimer(thaw(compiled, machine), entry.id, entry.atMs).machine;
    }
    expect(machine.outcome).toEqual(whole.outcome);
  });

  function thaw(compiled: Program, machine: Machine): Machine {
    return restore(compiled, JSON.parse(JSON.stringify(snapshot(machine))) as Snapshot);
  }

  test("belongs to one program", () => {
    const machine = start(program("- a:\n    return: 1\n"), { seed: "s", nowMs: 0 }).machine;
    expect(() => restore(program("- a:\n    return: 2\n"), snapshot(machine))).toThrow(NonDeterminismError);
  });

  test("is a value: advancing it twice gives the same, and leaves it as it was", () => {
    const { machine } = start(program(BUSY_WORKFLOW), { ...SETTINGS, nowMs: 0 });
    const before = JSON.stringify(snapshot(machine));
    const [first, second] = [advance(machine), advance(machine)];
    expect(first.entries).toEqual(second.entries);
    expect(JSON.stringify(snapshot(machine))).toBe(before);
  });
});

describe("interleavings", () => {
  test.each(Array.from({ length: 25 }, (_, i) => `seed ${i}`))(
    "of a seed are the same every time (%s)",
    async (seed) => {
      const compiled = program(BUSY_WORKFLOW);
      const [first, second] = [await runBusy(compiled, [], seed), await runBusy(compiled, [], seed)];
      expect(second.journal).toEqual(first.journal);
      const result = JSON.parse(first.outcome.state === "SUCCEEDED" ? first.outcome.result : "{}") as {
        total: number;
        seen: number[];
        status: string;
      };
      expect(result).toMatchObject({ total: 40, status: "SUCCESS" });
      expect(result.seen.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    },
  );
});

describe("drivers", () => {
  const run = (compiled: Program, perform: Parameters<typeof createRecordingDriver>[0]): Promise<Outcome> =>
    execute(compiled, { ...SETTINGS, journal: createMemoryJournal(), clock: createVirtualClock(), perform });

  test("a cassette repeats a run without the world, and says where another run departs from it", async () => {
    const compiled = program(BUSY_WORKFLOW);
    const recording = createRecordingDriver(createScriptedDriver(busyScript()).perform);
    const outcome = await run(compiled, recording.perform);
    const takes = JSON.parse(JSON.stringify(recording.takes)) as typeof recording.takes;
    expect(await run(compiled, createReplayDriver(takes).perform)).toEqual(outcome);
    const other = program(BUSY_WORKFLOW.replace("/seen", "/other"));
    await expect(run(other, createReplayDriver(takes).perform)).rejects.toThrow(CassetteError);
    await expect(run(other, createReplayDriver(takes).perform)).rejects.toThrow(/step "post" \(line \d+\)/);
  });

  test("chaos breaks the same requests for the same seed, and none at rate zero", async () => {
    const compiled = program(
      "- f:\n    for:\n      value: v\n      range: [1, 20]\n      steps:\n        - g:\n            try: {call: http.get, args: {url: '${\"https://x.test/\" + v}'}}\n            except: {steps: [{c: {next: continue}}]}\n",
    );
    const broken = async (seed: string, rate: number): Promise<readonly string[]> => {
      const chaos = createChaosDriver(
        createScriptedDriver([{ when: "GET", answers: [jsonResponse(200, {})] }]).perform,
        { seed, rate },
      );
      await run(compiled, chaos.perform);
      return chaos.injected;
    };
    expect(await broken("a", 0)).toEqual([]);
    expect((await broken("a", 1)).length).toBe(20);
    const some = await broken("a", 0.5);
    expect(some.length).toBeGreaterThan(3);
    expect(some.length).toBeLessThan(17);
    expect(await broken("a", 0.5)).toEqual(some);
    expect(await broken("b", 0.5)).not.toEqual(some);
  });
});
