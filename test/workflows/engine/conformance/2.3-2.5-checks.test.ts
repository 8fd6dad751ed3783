import { describe, expect, test } from "vitest";
import { compile } from "../../../../workflows/engine/engine.ts";
import { problemsOf, resultText } from "../support/run-workflow.ts";

/** Steps of a list form, from lines without indentation rules to remember. */
const yaml = (lines: string): string => lines.replace(/^\n/, "");

describe("2.3 jump rules", () => {
  test("[D 2.3-05] a switch inside except may jump to a step outside", async () => {
    const source = yaml(`
- t:
    try: {call: http.get, args: {url: "https://x.test/"}}
    except:
      as: e
      steps:
        - s:
            switch:
              - condition: \${e.code == 404}
                next: url_not_found
        - u:
            raise: \${e}
- ok:
    return: ok
- url_not_found:
    return: not found
`);
    expect(await resultText(source)).toBe('"not found"');
  });
  test("[D 2.3-01] no jump into or out of a for body", () => {
    expect(
      problemsOf("- f:\n    for: {value: v, in: [1], steps: [{a: {next: z}}]}\n- z:\n    next: a\n"),
    ).toEqual(["jump-out", "jump-into"]);
  });
  test("[D 2.3-03] no jump out of a parallel branch", () => {
    expect(
      problemsOf(
        "- p:\n    parallel:\n      branches:\n        - a: {steps: [{x: {next: z}}]}\n        - b: {steps: [{y: {next: end_b}}, {end_b: {assign: [{q: 1}]}}]}\n- z:\n    return: 1\n",
      ),
    ).toEqual(["jump-out"]);
  });
  test("[D 2.3-04] steps of one loop body may jump among themselves", async () => {
    const source =
      "- i:\n    assign: [{n: 0}]\n- f:\n    for: {value: v, in: [1], steps: [{a: {next: c}}, {b: {assign: [{n: 9}]}}, {c: {assign: [{n: '${n + 1}'}]}}]}\n- r:\n    return: ${n}\n";
    expect(await resultText(source)).toBe("1");
  });
  test("[D 2.4-04] a jump backwards may read what is assigned below", async () => {
    const loop =
      "- start:\n    next: set\n- read:\n    switch:\n      - condition: ${n > 2}\n        return: ${n}\n    next: add\n- set:\n    assign: [{n: 0}]\n    next: read\n- add:\n    assign: [{n: '${n + 1}'}]\n    next: read\n";
    expect(await resultText(loop)).toBe("3");
  });
  test("[?] a jump into nested steps is refused", () =>
    expect(problemsOf("- a:\n    next: c\n- b:\n    steps: [{c: {return: 1}}]\n")).toContain("jump-into"));
  test("[S 2.3-07] step names are unique", () =>
    expect(problemsOf("- a:\n    assign: [{x: 1}]\n- a:\n    return: 1\n")).toEqual(["duplicate-step"]));
  test("[?] a name in two different blocks is warned about", () =>
    expect(
      problemsOf("- a:\n    steps: [{x: {assign: [{y: 1}]}}]\n- b:\n    steps: [{x: {assign: [{y: 1}]}}]\n"),
    ).toEqual(["duplicate-nested-step"]));
  test.each(["end", "break", "continue"])("[?] %s cannot name a step", (name) =>
    expect(problemsOf(`- ${name}:\n    return: 1\n`)).toEqual(["reserved-name"]),
  );
  test("[D 2.2-44] break in a nested switch inside try leaves the innermost loop, with handlers closed", async () => {
    const source = yaml(`
- i:
    assign: [{n: 0}]
- f:
    for:
      value: v
      in: [1, 2, 3]
      steps:
        - t:
            try:
              steps:
                - s:
                    switch: [{condition: "\${v == 2}", next: break}]
                - a:
                    assign: [{n: "\${n + 1}"}]
            except: {steps: [{q: {assign: [{n: 100}]}}]}
- x:
    raise: outside
`);
    expect(await resultText(source)).toBe('ERROR "outside"');
  });
});

describe("2.4 deployment checks", () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["[D 2.4-03] an unknown subworkflow", "- a:\n    call: nope\n", ["unknown-function"]],
    ["[D 2.4-03] an unknown function", "- a:\n    return: ${text.spilt('a', 'b')}\n", ["unknown-function"]],
    ["[D 2.4-02] an unknown step", "- a:\n    next: b\n", ["unknown-step"]],
    [
      "[D 2.4-05] a loop variable read after its loop",
      "- f:\n    for: {value: v, in: [1], steps: [{a: {assign: [{x: 1}]}}]}\n- r:\n    return: ${v}\n",
      ["unknown-variable"],
    ],
    [
      "[D 2.4-06] a variable of a loop body read after it",
      "- f:\n    for: {value: v, in: [1], steps: [{a: {assign: [{x: 1}]}}]}\n- r:\n    return: ${x}\n",
      ["unknown-variable"],
    ],
    [
      "[D 2.4-06] an error variable read after its except",
      "- t:\n    try: {raise: x}\n    except: {as: e, steps: [{a: {assign: [{y: 1}]}}]}\n- r:\n    return: ${e}\n",
      ["unknown-variable"],
    ],
    [
      "[D 2.4-08] nested loops with the same variable",
      "- f:\n    for: {value: v, in: [1], steps: [{g: {for: {value: v, in: [2], steps: [{a: {next: continue}}]}}}]}\n",
      ["loop-variable"],
    ],
    [
      "[D 2.4-07] a loop variable that the routine assigns",
      "- i:\n    assign: [{v: 1}]\n- f:\n    for: {value: v, in: [1], steps: [{a: {next: continue}}]}\n",
      ["loop-variable"],
    ],
    [
      "[D 2.4-10] a shared variable that does not exist",
      "- p:\n    parallel: {shared: [s], for: {value: v, in: [1], steps: [{a: {next: continue}}]}}\n",
      ["unknown-shared"],
    ],
    ["[D 2.4-12] break outside of a loop", "- a:\n    next: break\n", ["misplaced-jump"]],
    [
      "[D 2.4-13] a blocking call in an expression",
      "- a:\n    return: ${http.get('https://x.test')}\n",
      ["blocking-call"],
    ],
    ["[D 2.4-13] sys.log in an expression", "- a:\n    return: ${sys.log('x')}\n", ["blocking-call"]],
    [
      "[R 2.4-16] an expression of more than 400 characters",
      `- a:\n    return: \${"${"x".repeat(400)}"}\n`,
      ["expression-syntax"],
    ],
    [
      "[S 2.2-20] more than 50 cases",
      `- s:\n    switch:\n${"      - {condition: true, next: end}\n".repeat(51)}`,
      ["list-size"],
    ],
    [
      "[S 2.4-17] a single branch",
      "- p:\n    parallel: {branches: [{a: {steps: [{x: {assign: [{y: 1}]}}]}}]}\n",
      ["list-size"],
    ],
    [
      "[S 2.4-18] both branches and for",
      "- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {next: continue}}]}, branches: [{a: {steps: [{x1: {next: z}}, {z: {assign: [{q: 1}]}}]}}, {b: {steps: [{y1: {assign: [{q: 1}]}}]}}]}\n",
      ["parallel-shape"],
    ],
    ["[D 2.4-19] a variable name with a dash", "- a:\n    assign: [{a-b: 1}]\n", ["assign-target"]],
    [
      "[D 2.4-19] a variable name that starts with a digit",
      "- a:\n    assign: [{1a: 1}]\n",
      ["expression-syntax"],
    ],
    [
      "[D 2.4-20] a map key with a dash outside of brackets",
      "- i:\n    assign: [{m: {a-b: 1}}]\n- a:\n    return: ${m.a-b}\n",
      ["unknown-variable"],
    ],
    [
      "[D 2.4-21] another exception policy",
      "- p:\n    parallel: {exception_policy: failFast, for: {value: v, in: [1], steps: [{x: {next: continue}}]}}\n",
      ["exception-policy"],
    ],
    [
      "[R 2.4-22] for directly in try (a warning)",
      "- t:\n    try: {for: {value: v, in: [1], steps: [{x: {next: continue}}]}}\n    except: {steps: [{y: {assign: [{z: 1}]}}]}\n",
      ["for-in-try"],
    ],
    ["[S 2.2-38] try alone", "- t:\n    try: {raise: x}\n", ["try-alone"]],
    ["[S 2.2-20] a case without a condition", "- s:\n    switch: [{next: end}]\n", ["missing-condition"]],
    ["[D 2.4-19] a reserved word as a variable", "- a:\n    assign: [{not: 1}]\n", ["reserved-name"]],
    ["[R 2.6-14] a map literal in an expression", "- a:\n    return: '${{a: 1}}'\n", ["expression-syntax"]],
    ["[D 2.2-14] an expression as the name of a call", "- a:\n    call: ${f}\n", ["dynamic-call"]],
    [
      "[R 2.2-41] return inside a parallel branch",
      "- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {return: 1}}]}}\n",
      ["return-in-parallel"],
    ],
    [
      "[?] break inside a parallel for",
      "- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {next: break}}]}}\n",
      ["misplaced-jump"],
    ],
    [
      "[R 2.4-11] a branch-local name that equals an outer unshared variable",
      "- i:\n    assign: [{tmp: 1}]\n- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {assign: [{tmp: 2}]}}]}}\n",
      ["unshared-write"],
    ],
  ];
  test.each(cases)("%s is found", (_, source, rules) => expect(problemsOf(source)).toEqual(rules));

  test("several problems come in one go, each with file, line, column and a hint", () => {
    const compiled = compile(
      "- a:\n    retrun: 1\n- b:\n    assign: [{y: '${x + }'}]\n- c:\n    next: nowhere\n",
      {
        file: "w.yaml",
      },
    );
    const problems = compiled.ok ? [] : compiled.problems;
    expect(problems.map(({ file, line, column, rule }) => [file, line, column, rule])).toEqual([
      ["w.yaml", 1, 3, "empty-step"],
      ["w.yaml", 2, 5, "unknown-key"],
      ["w.yaml", 4, 25, "expression-syntax"],
      ["w.yaml", 6, 11, "unknown-step"],
    ]);
    expect(problems.every(({ hint, message }) => hint.length > 0 && message.length > 0)).toBe(true);
  });
});

describe("2.5 scope and memory", () => {
  test("[D 2.5-01] subworkflows see only their parameters", () => {
    expect(
      problemsOf(
        "main:\n  steps:\n    - a:\n        assign: [{g: 1}]\n    - b:\n        call: s\ns:\n  steps:\n    - r:\n        return: ${g}\n",
      ),
    ).toEqual(["unknown-variable"]);
  });
  test("[D 2.5-05] a loop body writes outer names and drops its own at the end of each iteration", async () => {
    const source = yaml(`
- i:
    assign: [{out: []}]
- f:
    for:
      value: v
      in: [1, 2]
      steps:
        - c:
            try:
              assign: [{seen: "\${local}"}]
            except: {steps: [{n: {assign: [{seen: fresh}]}}]}
        - s:
            assign: [{local: 1}, {out: "\${list.concat(out, seen)}"}]
- r:
    return: \${out}
`);
    expect(await resultText(source)).toBe('["fresh","fresh"]');
  });
  test("[D 2.5-06] assignment copies deeply", async () =>
    expect(
      await resultText(
        "- a:\n    assign: [{a: {k: [1]}}, {b: '${a}'}, {'b.k[0]': 2}]\n- r:\n    return: ['${a.k[0]}', '${b.k[0]}']\n",
      ),
    ).toBe("[1,2]"));
  test("[O 2.5-09] memory beyond 512 KB ends the execution and cannot be caught", async () => {
    const source =
      "- t:\n    try:\n      steps:\n        - i:\n            assign: [{l: []}, {s: '0123456789012345678901234567890123456789012345678901234567890123456789'}]\n        - f:\n            for: {value: v, range: [1, 20000], steps: [{x: {assign: [{l: '${list.concat(l, s)}'}]}}]}\n    except: {steps: [{c: {return: caught}}]}\n";
    const result = await resultText(source);
    expect(result).toContain("ResourceLimitError: Memory usage limit exceeded");
    expect(result).not.toContain("caught");
  });
  test("[D 2.5-10] memory that is released can be used again", async () => {
    const source =
      "- i:\n    assign: [{s: x}]\n- g:\n    for: {value: v, range: [1, 17], steps: [{x: {assign: [{s: '${s + s}'}]}}]}\n- f:\n    for: {value: w, range: [1, 50], steps: [{y: {assign: [{copy: '${s + s}'}]}}]}\n- r:\n    return: ${len(s)}\n";
    expect(await resultText(source)).toBe("131072");
  });
});
