import { describe, expect, test } from "vitest";
import { problemsOf, resultText, run } from "../support/run-workflow.ts";

describe("2.9 parallel", () => {
  const seeds = Array.from({ length: 20 }, (_, i) => `seed-${i}`);
  test.each(seeds)("[D 2.9-09] single assignments to shared variables are atomic (%s)", async (seed) => {
    const source =
      "- i:\n    assign: [{n: 0}]\n- p:\n    parallel:\n      shared: [n]\n      for:\n        value: v\n        range: [1, 30]\n        steps:\n          - a:\n              assign: [{n: '${n + v}'}]\n          - b:\n              assign: [{n: '${n + 1}'}]\n- r:\n    return: ${n}\n";
    expect(await resultText(source, { seed })).toBe(String(465 + 30));
  });
  test("[D 2.9-10] [D 2.9-16] a read in one step and a write in a later one is not atomic: some seed loses an update", async () => {
    const source =
      "- i:\n    assign: [{n: 0}]\n- p:\n    parallel:\n      shared: [n]\n      for:\n        value: v\n        range: [1, 5]\n        steps:\n          - a:\n              assign: [{x: '${n}'}]\n          - b:\n              assign: [{n: '${x + 1}'}]\n- r:\n    return: ${n}\n";
    const results = await Promise.all(seeds.map((seed) => resultText(source, { seed })));
    expect(new Set(results).size).toBeGreaterThan(1);
    expect(await Promise.all(seeds.map((seed) => resultText(source, { seed })))).toEqual(results);
  });
  test("[D 2.9-02] branches run side by side: three sleeps of ten seconds take ten seconds", async () => {
    const branch = (name: string): string =>
      `{${name}: {steps: [{s${name}: {call: sys.sleep, args: {seconds: 10}}}]}}`;
    expect(
      (await run(`- p:\n    parallel: {branches: [${["a", "b", "c"].map(branch).join(", ")}]}\n`)).seconds,
    ).toBe(10);
  });
  test("[D 2.9-13] concurrency_limit lowers how many run at one time", async () => {
    const source = (limit: string): string =>
      `- p:\n    parallel: {concurrency_limit: ${limit}, for: {value: v, range: [1, 6], steps: [{s: {call: sys.sleep, args: {seconds: 10}}}]}}\n`;
    expect((await run(source("2"))).seconds).toBe(30);
    expect((await run(source("'${1 + 2}'"))).seconds).toBe(20);
  });
  test("[R 2.9-12] at most 20 iterations run at one time", async () => {
    expect(
      (
        await run(
          "- p:\n    parallel: {for: {value: v, range: [1, 41], steps: [{s: {call: sys.sleep, args: {seconds: 10}}}]}}\n",
        )
      ).seconds,
    ).toBe(30);
  });
  test("[D 2.9-03] siblings go on when one fails", async () => {
    const source =
      "- i:\n    assign: [{n: 0}]\n- t:\n    try:\n      parallel:\n        shared: [n]\n        branches:\n          - bad: {steps: [{b1: {raise: {code: 1}}}]}\n          - good: {steps: [{g1: {call: sys.sleep, args: {seconds: 5}}}, {g2: {assign: [{n: 7}]}}]}\n    except: {as: e, steps: [{r: {return: ['${n}', '${e.branches[0].id}', '${json.decode(e.branches[0].error.payload).code}']}}]}\n";
    expect(await resultText(source)).toBe('[7,"bad",1]');
  });
  test("[R 2.9-06] at most 100 errors are recorded, then truncated is true", async () => {
    const source =
      "- t:\n    try:\n      parallel: {for: {value: v, range: [1, 105], steps: [{b: {raise: x}}]}}\n    except: {as: e, steps: [{r: {return: ['${len(e.branches)}', '${e.truncated}']}}]}\n";
    expect(await resultText(source)).toBe("[100,true]");
  });
  test("[R 2.9-15] parallel steps nest two deep, a third raises ParallelNestingError", async () => {
    const nest = (depth: number): string =>
      depth === 0
        ? "assign: [{x: 1}]"
        : `parallel: {for: {value: v${depth}, in: [1], steps: [{s${depth}: {${nest(depth - 1)}}}]}}`;
    expect((await run(`- p:\n    ${nest(2)}\n`)).outcome.state).toBe("SUCCEEDED");
    const { outcome } = await run(`- p:\n    ${nest(3)}\n`);
    expect(outcome.state === "FAILED" ? outcome.error.payload : "").toContain("ParallelNestingError");
  });
  test("[D 2.9-11] result into a shared variable works", async () => {
    const source =
      "- i:\n    assign: [{r: null}]\n- p:\n    parallel:\n      shared: [r]\n      branches:\n        - a: {steps: [{a1: {call: text.to_upper, args: {source: x}, result: r}}]}\n        - b: {steps: [{b1: {assign: [{q: 1}]}}]}\n- d:\n    return: ${r}\n";
    expect(await resultText(source)).toBe('"X"');
  });
  test("[D 2.9-08] variables of a branch vanish", () => {
    expect(
      problemsOf(
        "- p:\n    parallel: {for: {value: v, in: [1], steps: [{a: {assign: [{q: 1}]}}]}}\n- r:\n    return: ${q}\n",
      ),
    ).toEqual(["unknown-variable"]);
  });
  test("[D 2.9-03] continueAll may be written out", () => {
    expect(
      problemsOf(
        "- p:\n    parallel: {exception_policy: continueAll, for: {value: v, in: [1], steps: [{a: {next: continue}}]}}\n",
      ),
    ).toEqual([]);
  });
  test("[D 2.2-45] continue ends an iteration", async () => {
    const source =
      "- i:\n    assign: [{n: 0}]\n- p:\n    parallel:\n      shared: [n]\n      for:\n        value: v\n        in: [1, 2, 3]\n        steps:\n          - s:\n              switch: [{condition: '${v == 2}', next: continue}]\n          - a:\n              assign: [{n: '${n + v}'}]\n- r:\n    return: ${n}\n";
    expect(await resultText(source)).toBe("4");
  });
  test("[D 2.17-17] a subworkflow with a parallel step may be called inside a parallel step", async () => {
    const source =
      "main:\n  steps:\n    - i:\n        assign: [{n: 0}]\n    - p:\n        parallel:\n          shared: [n]\n          for:\n            value: v\n            in: [1, 2]\n            steps:\n              - a:\n                  call: inner\n                  args: {k: '${v}'}\n                  result: got\n              - b:\n                  assign: [{n: '${n + got}'}]\n    - r:\n        return: ${n}\ninner:\n  params: [k]\n  steps:\n    - i:\n        assign: [{sum: 0}]\n    - p:\n        parallel: {shared: [sum], for: {value: w, in: [10, 20], steps: [{a: {assign: [{sum: '${sum + w * k}'}]}}]}}\n    - r:\n        return: ${sum}\n";
    expect(await resultText(source)).toBe("90");
  });

  test("[R 2.9-04] errors of nested parallel steps arrive inside each other", async () => {
    const source =
      "- p:\n    try:\n      parallel:\n        for:\n          value: v\n          in: [1, 2]\n          steps:\n            - q:\n                parallel:\n                  branches:\n                    - x: {steps: [{a: {raise: deep}}]}\n                    - y: {steps: [{b: {assign: [{z: 1}]}}]}\n    except: {as: e, steps: [{r: {return: ['${len(e.branches)}', '${json.decode(e.branches[0].error.payload).branches[0].id}']}}]}\n";
    for (let seed = 0; seed < 30; seed++)
      expect(await resultText(source, { seed: `nested ${seed}` })).toBe('[2,"x"]');
  });
  test("[S 2.15-09] failing iterations without end stop at the limit of steps", async () => {
    const source =
      "- p:\n    try: {parallel: {for: {value: v, range: [1, 1000000], steps: [{a: {raise: x}}]}}}\n    except: {steps: [{c: {return: caught}}]}\n";
    expect(await resultText(source)).toContain("ResourceLimitError");
  });
});
