import { describe, expect, test } from "vitest";
import { compile } from "../../../../workflows/engine/engine.ts";
import { problemsOf, resultText } from "../support/run-workflow.ts";

/** Steps of a list form, from lines without indentation rules to remember. */
const yaml = (lines: string): string => lines.replace(/^\n/, "");

describe("2.1 file shape", () => {
  test("[D] main is required beside a subworkflow", () =>
    expect(problemsOf("sub:\n  steps:\n    - a:\n        return: 1\n")).toEqual(["missing-main"]));
  test("[S] a routine has no keys but params and steps", () => {
    expect(problemsOf("main:\n  step:\n    - a:\n        return: 1\n")).toEqual([
      "missing-steps",
      "unknown-key",
    ]);
  });
  test("[S] main takes at most one parameter", () =>
    expect(problemsOf("main:\n  params: [a, b]\n  steps:\n    - a:\n        return: 1\n")).toEqual([
      "list-size",
    ]));
  test("[S] a subworkflow takes at most ten parameters", () => {
    const params = Array.from({ length: 11 }, (_, i) => `p${i}`).join(", ");
    expect(
      problemsOf(
        `main:\n  steps:\n    - a:\n        return: 1\nsub:\n  params: [${params}]\n  steps:\n    - a:\n        return: 1\n`,
      ),
    ).toEqual(["list-size"]);
  });
  test("[S] a parameter may have a literal default, which a call may leave out", async () => {
    const source =
      "main:\n  steps:\n    - a:\n        return: ${sub(1) + sub(1, 5)}\nsub:\n  params: [x, y: 10]\n  steps:\n    - a:\n        return: ${x * y}\n";
    expect(await resultText(source)).toBe("15");
  });
  test("[D] booleans are true, True, TRUE and false, False, FALSE only", async () => {
    expect(
      await resultText("- a:\n    return: [true, True, TRUE, false, False, FALSE, yes, on, tRue]\n"),
    ).toBe('[true,true,true,false,false,false,"yes","on","tRue"]');
  });
  test("[S] null is empty, ~ and null", async () =>
    expect(await resultText("- a:\n    return: {a: , b: ~, c: null}\n")).toBe(
      '{"a":null,"b":null,"c":null}',
    ));
  test("[S] 1 is an integer and 1.0 a double", async () => {
    expect(
      await resultText(
        "- a:\n    assign: [{i: 1}, {d: 1.0}]\n- r:\n    return: ['${get_type(i)}', '${get_type(d)}']\n",
      ),
    ).toBe('["integer","double"]');
  });
  test("[S] integers keep 64 bits", async () =>
    expect(await resultText("- a:\n    return: 9223372036854775807\n")).toBe("9223372036854775807"));
  test("[S] an integer beyond 64 bits is refused", () =>
    expect(problemsOf("- a:\n    return: 9223372036854775808\n")).toEqual(["integer-size"]));
  test("[S] duplicate keys are refused", () =>
    expect(problemsOf("- a:\n    assign: [{x: 1}]\n    assign: [{x: 2}]\n")).toEqual(["syntax"]));
  test("[S] a step is a map with one key", () =>
    expect(problemsOf("- a:\n    return: 1\n  b:\n    return: 2\n")).toEqual(["single-key"]));
  test("[S] steps has at least one item", () =>
    expect(problemsOf("main:\n  steps: []\n")).toEqual(["list-size"]));
  test("[D] text around ${} is literal and warned about", async () => {
    const source = "- i:\n    assign: [{world: w}]\n- a:\n    return: hello-${world}\n";
    expect(await resultText(source)).toBe('"hello-${world}"');
    expect(problemsOf(source)).toEqual(["embedded-expression"]);
  });
  test("[D] an expression may span lines", async () =>
    expect(await resultText('- a:\n    return: ${1 +\n      2 + \n      len("ab")}\n')).toBe("5"));
  test("[R] a source of more than 128 KB is refused", () =>
    expect(problemsOf(`- a:\n    return: "${"x".repeat(131_072)}"\n`)).toEqual(["source-size"]));
  test("[S] JSON and YAML twins give the same result", async () => {
    const json =
      '{"main":{"params":["a"],"steps":[{"s":{"assign":[{"x":"${a.n + 1}"}]}},{"r":{"return":"${x}"}}]}}';
    expect(await resultText(json, { argument: { n: 2 } })).toBe("3");
  });
  test("[?] aliases are expanded", async () =>
    expect(await resultText("- a:\n    assign: [{x: &v {k: 1}}, {y: *v}]\n- r:\n    return: ${y.k}\n")).toBe(
      "1",
    ));
});

describe("2.2 step keys", () => {
  test("[S] an unknown key is refused with a suggestion", () => {
    const compiled = compile("- a:\n    asign: [{x: 1}]\n", { file: "f.yaml" });
    expect(compiled.ok ? [] : compiled.problems).toMatchObject([
      { rule: "empty-step" },
      { rule: "unknown-key", line: 2, column: 5, hint: "did you mean assign?" },
    ]);
  });
  test("[S] args and result need call", () =>
    expect(problemsOf("- a:\n    args: {}\n    assign: [{x: 1}]\n")).toEqual(["misplaced-key"]));
  test("[S] retry and except need try", () =>
    expect(
      problemsOf("- a:\n    call: sys.log\n    args: {text: a}\n    retry: ${http.default_retry}\n"),
    ).toEqual(["misplaced-key"]));
  test("[S] a step has one operation", () =>
    expect(problemsOf("- a:\n    assign: [{x: 1}]\n    return: 1\n")).toEqual(["several-operations"]));
  test("[S] a step with only next is legal", async () =>
    expect(await resultText("- a:\n    next: c\n- b:\n    return: 1\n- c:\n    return: 2\n")).toBe("2"));
  test("[S] an assign has at most 50 entries", () => {
    const entries = Array.from({ length: 51 }, (_, i) => `      - x${i}: 1\n`).join("");
    expect(problemsOf(`- a:\n    assign:\n${entries}`)).toEqual(["list-size"]);
  });
  test("[D] later assignments see earlier ones", async () =>
    expect(
      await resultText(
        "- a:\n    assign: [{x: 1}, {y: '${x + 1}'}, {x: '${y * 10}'}]\n- r:\n    return: ${x}\n",
      ),
    ).toBe("20"));
  test("[D] targets may be nested, with expressions as indexes", async () => {
    const source = yaml(`
- a:
    assign:
      - k: key
      - m: {}
      - l: [[1, 2], 3]
      - m.a: 1
      - m["b-c"]: 2
      - m[k + "3"]: 4
      - l[0][1]: 9
      - l[len(l) - 1]: 8
- r:
    return: ["\${m}", "\${l}"]
`);
    expect(await resultText(source)).toBe('[{"a":1,"b-c":2,"key3":4},[[1,9],8]]');
  });
  test("[R] missing keys on the way are created", async () =>
    expect(await resultText("- a:\n    assign: [{m: {}}, {m.a.b.c: 1}]\n- r:\n    return: ${m}\n")).toBe(
      '{"a":{"b":{"c":1}}}',
    ));
  test("[R] a list never grows by index", async () => {
    expect(await resultText("- a:\n    assign: [{l: [1]}, {'l[1]': 2}]\n")).toContain(
      '"tags":["IndexError","LookupError"]',
    );
  });
  test("[D] a call names every function, with result in the current scope", async () => {
    expect(
      await resultText(
        "- a:\n    call: text.split\n    args: {source: 'a,b', separator: ','}\n    result: r\n- d:\n    return: ${r}\n",
      ),
    ).toBe('["a","b"]');
  });
  test("[R] unknown and missing arguments are refused", () => {
    expect(problemsOf("- a:\n    call: text.split\n    args: {sauce: x, source: y}\n")).toEqual([
      "missing-argument",
      "unknown-argument",
    ]);
    expect(
      problemsOf(
        "main:\n  steps:\n    - a:\n        call: s\n        args: {y: 1}\ns:\n  params: [x]\n  steps:\n    - a:\n        return: 1\n",
      ),
    ).toEqual(["unknown-argument", "missing-argument"]);
  });
  test("[S] the first true case runs and then its next", async () => {
    const source =
      "- s:\n    switch:\n      - condition: false\n        return: 1\n      - condition: ${1 < 2}\n        assign: [{x: 5}]\n        next: d\n      - condition: true\n        return: 3\n- e:\n    return: 4\n- d:\n    return: ${x}\n";
    expect(await resultText(source)).toBe("5");
  });
  test("[S] a case without next goes on with the next of the switch", async () => {
    const source =
      "- s:\n    switch:\n      - condition: true\n        assign: [{x: 1}]\n    next: d\n- e:\n    return: 4\n- d:\n    return: ${x}\n";
    expect(await resultText(source)).toBe("1");
  });
  test("[S] no match falls through", async () =>
    expect(
      await resultText(
        "- s:\n    switch:\n      - condition: false\n        return: 1\n- e:\n    return: 4\n",
      ),
    ).toBe("4"));
  test("[S] a condition that is no boolean raises TypeError", async () =>
    expect(await resultText("- s:\n    switch:\n      - condition: 1\n        return: 1\n")).toContain(
      '"tags":["TypeError"]',
    ));
  test("[S] a case may hold steps, for, try and a nested switch", async () => {
    const source = yaml(`
- i:
    assign: [{n: 0}]
- s:
    switch:
      - condition: true
        steps:
          - t:
              switch:
                - condition: true
                  for:
                    value: v
                    in: [1, 2]
                    steps: [{a: {assign: [{n: "\${n + v}"}]}}]
          - u:
              switch:
                - condition: true
                  try: {raise: x}
                  except: {steps: [{b: {assign: [{n: "\${n + 10}"}]}}]}
- r:
    return: \${n}
`);
    expect(await resultText(source)).toBe("13");
  });
  test("[D] range takes expressions as items and yields nothing when first is above last", async () => {
    const source = yaml(`
- i:
    assign: [{a: 2}, {b: 3}, {s: []}]
- f:
    for: {value: v, range: ["\${a}", "\${b}"], steps: [{x: {assign: [{s: "\${list.concat(s, v)}"}]}}]}
- g:
    for: {value: v, range: [3, 2], steps: [{y: {assign: [{s: "\${list.concat(s, v)}"}]}}]}
- r:
    return: \${s}
`);
    expect(await resultText(source)).toBe("[2,3]");
  });
  test("[D] maps are iterated over their keys", async () => {
    const source =
      "- i:\n    assign: [{m: {b: 1, a: 2}}, {s: ''}]\n- f:\n    for: {value: k, in: '${keys(m)}', steps: [{x: {assign: [{s: '${s + k}'}]}}]}\n- r:\n    return: ${s}\n";
    expect(await resultText(source)).toBe('"ba"');
  });
  test("[S] the collection is evaluated once at entry", async () => {
    const source =
      "- i:\n    assign: [{l: [1, 2]}]\n- f:\n    for: {value: v, in: '${l}', steps: [{x: {assign: [{l: '${list.concat(l, v)}'}]}}]}\n- r:\n    return: ${len(l)}\n";
    expect(await resultText(source)).toBe("4");
  });
  test("[S] for needs exactly one of in and range", () =>
    expect(problemsOf("- f:\n    for: {value: v, steps: [{x: {next: continue}}]}\n")).toEqual([
      "for-collection",
    ]));
  test("[S] the end of a routine returns null", async () =>
    expect(await resultText("- a:\n    assign: [{x: 1}]\n")).toBe("null"));
  test("[S] nested steps share the scope", async () =>
    expect(
      await resultText("- a:\n    steps:\n      - b:\n          assign: [{x: 1}]\n- r:\n    return: ${x}\n"),
    ).toBe("1"));
});

describe("2.3 jump rules", () => {
  test("[D] a switch inside except may jump to a step outside", async () => {
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
  test("[D] no jump into or out of a for body", () => {
    expect(
      problemsOf("- f:\n    for: {value: v, in: [1], steps: [{a: {next: z}}]}\n- z:\n    next: a\n"),
    ).toEqual(["jump-out", "jump-into"]);
  });
  test("[D] no jump out of a parallel branch", () => {
    expect(
      problemsOf(
        "- p:\n    parallel:\n      branches:\n        - a: {steps: [{x: {next: z}}]}\n        - b: {steps: [{y: {next: end_b}}, {end_b: {assign: [{q: 1}]}}]}\n- z:\n    return: 1\n",
      ),
    ).toEqual(["jump-out"]);
  });
  test("[D] steps of one loop body may jump among themselves", async () => {
    const source =
      "- i:\n    assign: [{n: 0}]\n- f:\n    for: {value: v, in: [1], steps: [{a: {next: c}}, {b: {assign: [{n: 9}]}}, {c: {assign: [{n: '${n + 1}'}]}}]}\n- r:\n    return: ${n}\n";
    expect(await resultText(source)).toBe("1");
  });
  test("[D] a jump backwards may read what is assigned below", async () => {
    const loop =
      "- start:\n    next: set\n- read:\n    switch:\n      - condition: ${n > 2}\n        return: ${n}\n    next: add\n- set:\n    assign: [{n: 0}]\n    next: read\n- add:\n    assign: [{n: '${n + 1}'}]\n    next: read\n";
    expect(await resultText(loop)).toBe("3");
  });
  test("[?] a jump into nested steps is refused", () =>
    expect(problemsOf("- a:\n    next: c\n- b:\n    steps: [{c: {return: 1}}]\n")).toEqual(["jump-into"]));
  test("[S] step names are unique", () =>
    expect(problemsOf("- a:\n    assign: [{x: 1}]\n- a:\n    return: 1\n")).toEqual(["duplicate-step"]));
  test("[?] a name in two different blocks is warned about", () =>
    expect(
      problemsOf("- a:\n    steps: [{x: {assign: [{y: 1}]}}]\n- b:\n    steps: [{x: {assign: [{y: 1}]}}]\n"),
    ).toEqual(["duplicate-nested-step"]));
  test.each(["end", "break", "continue"])("[S] %s cannot name a step", (name) =>
    expect(problemsOf(`- ${name}:\n    return: 1\n`)).toEqual(["reserved-name"]),
  );
  test("[D] break in a nested switch inside try leaves the innermost loop, with handlers closed", async () => {
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
    ["[D] an unknown subworkflow", "- a:\n    call: nope\n", ["unknown-function"]],
    ["[D] an unknown function", "- a:\n    return: ${text.spilt('a', 'b')}\n", ["unknown-function"]],
    ["[D] an unknown step", "- a:\n    next: b\n", ["unknown-step"]],
    [
      "[D] a loop variable read after its loop",
      "- f:\n    for: {value: v, in: [1], steps: [{a: {assign: [{x: 1}]}}]}\n- r:\n    return: ${v}\n",
      ["unknown-variable"],
    ],
    [
      "[D] a variable of a loop body read after it",
      "- f:\n    for: {value: v, in: [1], steps: [{a: {assign: [{x: 1}]}}]}\n- r:\n    return: ${x}\n",
      ["unknown-variable"],
    ],
    [
      "[D] an error variable read after its except",
      "- t:\n    try: {raise: x}\n    except: {as: e, steps: [{a: {assign: [{y: 1}]}}]}\n- r:\n    return: ${e}\n",
      ["unknown-variable"],
    ],
    [
      "[D] nested loops with the same variable",
      "- f:\n    for: {value: v, in: [1], steps: [{g: {for: {value: v, in: [2], steps: [{a: {next: continue}}]}}}]}\n",
      ["loop-variable"],
    ],
    [
      "[D] a loop variable that the routine assigns",
      "- i:\n    assign: [{v: 1}]\n- f:\n    for: {value: v, in: [1], steps: [{a: {next: continue}}]}\n",
      ["loop-variable"],
    ],
    [
      "[D] a shared variable that does not exist",
      "- p:\n    parallel: {shared: [s], for: {value: v, in: [1], steps: [{a: {next: continue}}]}}\n",
      ["unknown-shared"],
    ],
    ["[D] break outside of a loop", "- a:\n    next: break\n", ["misplaced-jump"]],
    [
      "[D] a blocking call in an expression",
      "- a:\n    return: ${http.get('https://x.test')}\n",
      ["blocking-call"],
    ],
    ["[D] sys.log in an expression", "- a:\n    return: ${sys.log('x')}\n", ["blocking-call"]],
    [
      "[R] an expression of more than 400 characters",
      `- a:\n    return: \${"${"x".repeat(400)}"}\n`,
      ["expression-syntax"],
    ],
    [
      "[S] more than 50 cases",
      `- s:\n    switch:\n${"      - {condition: true, next: end}\n".repeat(51)}`,
      ["list-size"],
    ],
    [
      "[S] a single branch",
      "- p:\n    parallel: {branches: [{a: {steps: [{x: {assign: [{y: 1}]}}]}}]}\n",
      ["list-size"],
    ],
    [
      "[S] both branches and for",
      "- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {next: continue}}]}, branches: [{a: {steps: [{x1: {next: z}}, {z: {assign: [{q: 1}]}}]}}, {b: {steps: [{y1: {assign: [{q: 1}]}}]}}]}\n",
      ["parallel-shape"],
    ],
    ["[D] a variable name with a dash", "- a:\n    assign: [{a-b: 1}]\n", ["assign-target"]],
    ["[D] a variable name that starts with a digit", "- a:\n    assign: [{1a: 1}]\n", ["expression-syntax"]],
    [
      "[D] a map key with a dash outside of brackets",
      "- i:\n    assign: [{m: {a-b: 1}}]\n- a:\n    return: ${m.a-b}\n",
      ["unknown-variable"],
    ],
    [
      "[D] another exception policy",
      "- p:\n    parallel: {exception_policy: failFast, for: {value: v, in: [1], steps: [{x: {next: continue}}]}}\n",
      ["exception-policy"],
    ],
    [
      "[R] for directly in try (a warning)",
      "- t:\n    try: {for: {value: v, in: [1], steps: [{x: {next: continue}}]}}\n    except: {steps: [{y: {assign: [{z: 1}]}}]}\n",
      ["for-in-try"],
    ],
    ["[S] try alone", "- t:\n    try: {raise: x}\n", ["try-alone"]],
    ["[S] a case without a condition", "- s:\n    switch: [{next: end}]\n", ["missing-condition"]],
    ["[D] a reserved word as a variable", "- a:\n    assign: [{not: 1}]\n", ["reserved-name"]],
    ["[R] a map literal in an expression", "- a:\n    return: '${{a: 1}}'\n", ["expression-syntax"]],
    ["[D] an expression as the name of a call", "- a:\n    call: ${f}\n", ["dynamic-call"]],
    [
      "[?] return inside a parallel branch",
      "- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {return: 1}}]}}\n",
      ["return-in-parallel"],
    ],
    [
      "[?] break inside a parallel for",
      "- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {next: break}}]}}\n",
      ["misplaced-jump"],
    ],
    [
      "[R] a branch-local name that equals an outer unshared variable",
      "- i:\n    assign: [{tmp: 1}]\n- p:\n    parallel: {for: {value: v, in: [1], steps: [{x: {assign: [{tmp: 2}]}}]}}\n",
      ["unshared-write"],
    ],
  ];
  test.each(cases)("%s is found", (_, source, rules) => expect(problemsOf(source)).toEqual(rules));

  test("several problems come in one go, each with file, line, column and a hint", () => {
    const compiled = compile("- a:\n    retrun: 1\n- b:\n    return: ${x + }\n- c:\n    next: nowhere\n", {
      file: "w.yaml",
    });
    const problems = compiled.ok ? [] : compiled.problems;
    expect(problems.map(({ file, line, column, rule }) => [file, line, column, rule])).toEqual([
      ["w.yaml", 1, 3, "empty-step"],
      ["w.yaml", 2, 5, "unknown-key"],
      ["w.yaml", 4, 19, "expression-syntax"],
      ["w.yaml", 6, 11, "unknown-step"],
    ]);
    expect(problems.every(({ hint, message }) => hint.length > 0 && message.length > 0)).toBe(true);
  });
});

describe("2.5 scope and memory", () => {
  test("[D] subworkflows see only their parameters", () => {
    expect(
      problemsOf(
        "main:\n  steps:\n    - a:\n        assign: [{g: 1}]\n    - b:\n        call: s\ns:\n  steps:\n    - r:\n        return: ${g}\n",
      ),
    ).toEqual(["unknown-variable"]);
  });
  test("[D] a loop body writes outer names and drops its own at the end of each iteration", async () => {
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
  test("[D] assignment copies deeply", async () =>
    expect(
      await resultText(
        "- a:\n    assign: [{a: {k: [1]}}, {b: '${a}'}, {'b.k[0]': 2}]\n- r:\n    return: ['${a.k[0]}', '${b.k[0]}']\n",
      ),
    ).toBe("[1,2]"));
  test("[O] memory beyond 512 KB ends the execution and cannot be caught", async () => {
    const source =
      "- t:\n    try:\n      steps:\n        - i:\n            assign: [{l: []}, {s: '0123456789012345678901234567890123456789012345678901234567890123456789'}]\n        - f:\n            for: {value: v, range: [1, 20000], steps: [{x: {assign: [{l: '${list.concat(l, s)}'}]}}]}\n    except: {steps: [{c: {return: caught}}]}\n";
    const result = await resultText(source);
    expect(result).toContain("ResourceLimitError: Memory usage limit exceeded");
    expect(result).not.toContain("caught");
  });
  test("[D] memory that is released can be used again", async () => {
    const source =
      "- i:\n    assign: [{s: x}]\n- g:\n    for: {value: v, range: [1, 17], steps: [{x: {assign: [{s: '${s + s}'}]}}]}\n- f:\n    for: {value: w, range: [1, 50], steps: [{y: {assign: [{copy: '${s + s}'}]}}]}\n- r:\n    return: ${len(s)}\n";
    expect(await resultText(source)).toBe("131072");
  });
});
