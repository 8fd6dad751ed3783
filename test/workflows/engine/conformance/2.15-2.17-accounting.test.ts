import { describe, expect, test } from "vitest";
import {
  coverage,
  coveredShare,
  createMemoryJournal,
  createScriptedDriver,
  createVirtualClock,
  currentSteps,
  execute,
  jsonResponse,
  launch,
  monthlyCost,
  stepCount,
  stepEntries,
  stepVisits,
  textResponse,
  type Machine,
  type ScriptLine,
} from "../../../../workflows/engine/engine.ts";
import { problemsOf, program, resultText, run } from "../support/run-workflow.ts";

/** The machine at the end of a run. */
async function finished(source: string, script: readonly ScriptLine[] = []): Promise<Machine> {
  const execution = launch(program(source), {
    seed: "s",
    journal: createMemoryJournal(),
    clock: createVirtualClock(),
    perform: createScriptedDriver(script).perform,
  });
  await execution.finished;
  return execution.machine() as Machine;
}

const steps = async (source: string, script?: readonly ScriptLine[]): Promise<[number, number]> => {
  const { internal, external } = stepCount(await finished(source, script));
  return [internal, external];
};

const ok: readonly ScriptLine[] = [{ when: () => true, answers: [jsonResponse(200, {})] }];

describe("2.15 steps", () => {
  test("[D 2.15-01] an assign step counts once, whatever it assigns, and so does a return", async () => {
    expect(
      await steps('- a:\n    assign: [{x: 1}, {y: \'${len("a") + int("1")}\'}]\n- r:\n    return: 1\n'),
    ).toEqual([2, 0]);
  });
  test("[D 2.15-02] a jump counts", async () =>
    expect(await steps("- a:\n    assign: [{x: 1}]\n    next: c\n- c:\n    return: 1\n")).toEqual([3, 0]));
  test("[D 2.15-03] a for counts at its start and for each iteration", async () => {
    expect(
      await steps("- f:\n    for: {value: v, in: [1, 2, 3], steps: [{a: {assign: [{x: 1}]}}]}\n"),
    ).toEqual([1 + 3 + 3, 0]);
  });
  test("[D 2.15-04] a step of try and call counts three, and each retry three more", async () => {
    const source =
      "- t:\n    try: {call: http.get, args: {url: 'https://a.run.app/'}}\n    retry: ${http.default_retry}\n";
    expect(await steps(source, ok)).toEqual([3, 0]);
    expect(
      await steps(source, [{ when: "GET", answers: [textResponse(503, ""), jsonResponse(200, {})] }]),
    ).toEqual([6, 0]);
  });
  test("[D 2.15-05] each thread of a parallel step counts", async () => {
    expect(
      await steps("- p:\n    parallel: {for: {value: v, in: [1, 2], steps: [{a: {assign: [{x: 1}]}}]}}\n"),
    ).toEqual([2 + 2, 0]);
  });
  test("[R 2.15-08] calls to Google's own hosts are internal, others external, awaited callbacks too", async () => {
    const call = (url: string): string => `- a:\n    call: http.get\n    args: {url: '${url}'}\n`;
    for (const host of [
      "run.googleapis.com",
      "x.run.app",
      "r-p.cloudfunctions.net",
      "p.appspot.com",
      "x.cloud.goog",
    ])
      expect(await steps(call(`https://${host}/`), ok)).toEqual([1, 0]);
    for (const host of ["example.com", "run.app.example.com", "notgoogleapis.com"])
      expect(await steps(call(`https://${host}/`), ok)).toEqual([0, 1]);
    expect(
      await steps(
        "- a:\n    call: events.create_callback_endpoint\n    result: c\n- b:\n    try: {call: events.await_callback, args: {callback: '${c}', timeout: 1}}\n    except: {steps: [{x: {assign: [{y: 1}]}}]}\n",
      ),
    ).toEqual([5, 1]);
  });
  test("[D 2.15-06] polls of a connector count", async () => {
    const source =
      "- a:\n    call: googleapis.cloudbuild.v1.projects.builds.create\n    args: {projectId: p, body: {}}\n";
    const script = [
      { when: "POST", answers: [jsonResponse(200, { name: "o" })] },
      { when: "GET", answers: [jsonResponse(200, { name: "o" }), jsonResponse(200, { done: true })] },
    ];
    expect(await steps(source, script)).toEqual([3, 0]);
  });
  test("[S 2.15-09] 100,000 steps end the execution, and nothing catches that", async () => {
    const source =
      "- t:\n    try: {steps: [{i: {assign: [{n: 0}]}}, {a: {assign: [{n: '${n + 1}'}], next: a}}]}\n    except: {steps: [{c: {return: caught}}]}\n";
    const { outcome } = await run(source);
    expect(outcome.state === "FAILED" ? outcome.error.payload : "").toContain("ResourceLimitError");
  });
  test("[D 2.15-10] a string of more than 256 KB ends the execution", async () => {
    const source =
      "- i:\n    assign: [{s: '0123456789abcdef'}]\n- f:\n    for: {value: v, range: [1, 15], steps: [{a: {assign: [{s: '${s + s}'}]}}]}\n";
    expect(await resultText(source)).toContain("ResourceLimitError");
  });
  test("[R 2.15-12] visits and cost are reported per step and per month", async () => {
    const machine = await finished(
      "- a:\n    assign: [{x: 1}]\n- f:\n    for: {value: v, in: [1, 2], steps: [{b: {assign: [{x: 1}]}}]}\n",
    );
    expect(stepVisits(machine).map(({ step, visits }) => [step, visits])).toEqual([
      ["a", 1],
      ["f", 1],
      ["b", 2],
    ]);
    expect(stepCount(machine)).toEqual({ internal: 6, external: 0, assignments: 3 });
    expect(monthlyCost({ internal: 10, external: 2, assignments: 0 }, 1000)).toBeCloseTo(0.05, 9);
    expect(monthlyCost({ internal: 10, external: 4, assignments: 0 }, 1000)).toBeCloseTo(0.1, 9);
  });
  test("coverage names the steps, cases, retries and excepts that no run has met", async () => {
    const source =
      "main:\n  params: [n]\n  steps:\n    - s:\n        switch:\n          - condition: ${n == 1}\n            return: one\n          - condition: true\n            next: t\n    - t:\n        try: {raise: x}\n        except: {steps: [{c: {return: caught}}]}\n";
    const compiled = program(source);
    const machines: Machine[] = [];
    for (const argument of ["1", "2"]) {
      const execution = launch(compiled, {
        argument,
        seed: "s",
        journal: createMemoryJournal(),
        clock: createVirtualClock(),
        perform: createScriptedDriver().perform,
      });
      await execution.finished;
      machines.push(execution.machine() as Machine);
    }
    const missing = coverage(compiled, machines.slice(0, 1)).filter(({ hits }) => hits === 0);
    expect(missing.map(({ step, what }) => `${step} ${what}`)).toEqual([
      "t step",
      "t step",
      "c step",
      "s case 0 passed",
      "s case 1 taken",
      "t except",
    ]);
    expect(coveredShare(coverage(compiled, machines))).toBe(1);
  });
});

describe("2.16 executions", () => {
  test("[D 2.16-01] [D 2.16-02] cancelling ends at once as CANCELLED, [?] without running except", async () => {
    const driver = createScriptedDriver();
    const clock = createVirtualClock({ automatic: false });
    const source =
      "- t:\n    try: {call: sys.sleep, args: {seconds: 60}}\n    except: {steps: [{l: {call: sys.log, args: {text: caught}}}]}\n";
    const execution = launch(program(source), {
      seed: "s",
      journal: createMemoryJournal(),
      clock,
      perform: driver.perform,
    });
    await expect.poll(() => clock.timers()).toBe(1);
    expect(currentSteps(execution.machine() as Machine)).toMatchObject([
      { routine: "main", step: "t", line: 2 },
    ]);
    execution.cancel();
    expect(await execution.finished).toEqual({ state: "CANCELLED" });
    expect(driver.logs).toEqual([]);
  });
  test("[D 2.16-01] an aborted signal cancels, before the start too", async () => {
    const stop = new AbortController();
    stop.abort();
    const driver = createScriptedDriver();
    const execution = launch(program("- a:\n    call: sys.sleep\n    args: {seconds: 5}\n"), {
      seed: "s",
      signal: stop.signal,
      journal: createMemoryJournal(),
      clock: createVirtualClock({ automatic: false }),
      perform: driver.perform,
    });
    expect(await execution.finished).toEqual({ state: "CANCELLED" });
  });
  test("[D 2.16-03] a journal shows every step that was entered, though it keeps none", async () => {
    const compiled = program(
      "- a:\n    assign: [{x: 1}]\n- f:\n    for: {value: v, in: [1, 2], steps: [{s: {call: sys.sleep, args: {seconds: 1}}}]}\n",
    );
    const journal = createMemoryJournal();
    await execute(compiled, {
      seed: "s",
      journal,
      clock: createVirtualClock(),
      perform: createScriptedDriver().perform,
    });
    const entries = stepEntries(compiled, journal.entries);
    expect(entries.map(({ entryId, step, stepType }) => `${entryId} ${step} ${stepType}`)).toEqual([
      "1 a ASSIGN",
      "2 f FOR",
      "3 s CALL",
      "4 s CALL",
    ]);
  });
});

describe("2.17 behaviours easy to miss", () => {
  test("[D 2.17-10] next: end in a subworkflow returns null to the caller", async () => {
    expect(
      await resultText(
        "main:\n  steps:\n    - a:\n        call: s\n        result: r\n    - b:\n        return: ['${r}', after]\ns:\n  steps:\n    - a:\n        next: end\n    - b:\n        return: 1\n",
      ),
    ).toBe('[null,"after"]');
  });
  test("[D 2.17-12] e.code on an error without a code raises KeyError inside except", async () => {
    const source =
      "- t:\n    try: {assign: [{x: '${1/0}'}]}\n    except: {as: e, steps: [{s: {switch: [{condition: '${e.code == 404}', next: end}]}}]}\n";
    expect(await resultText(source)).toContain("KeyError: key not found: code");
  });
  test('[D 2.17-12] samples guard with not("HttpError" in e.tags) first', async () => {
    const source =
      "- t:\n    try: {assign: [{x: '${1/0}'}]}\n    except: {as: e, steps: [{s: {switch: [{condition: '${not(\"HttpError\" in e.tags)}', return: other}, {condition: '${e.code == 404}', return: missing}]}}]}\n";
    expect(await resultText(source)).toBe('"other"');
  });
  test("[S 2.17-18] one target twice in one assign is legal", async () =>
    expect(await resultText("- a:\n    assign: [{x: 1}, {x: 2}]\n- r:\n    return: ${x}\n")).toBe("2"));
  test("[O 2.17-15] headers are looked up exactly", async () => {
    const source =
      "- a:\n    call: http.get\n    args: {url: 'https://x.test/'}\n    result: r\n- b:\n    return: ['${r.headers[\"Content-Type\"]}', '${map.get(r.headers, \"content-type\")}']\n";
    expect(await resultText(source, { script: ok })).toBe('["application/json",null]');
  });
  test("[S 2.2-05] next after return is warned about", () =>
    expect(problemsOf("- a:\n    return: 1\n    next: end\n")).toEqual(["unreachable-next"]));
});
