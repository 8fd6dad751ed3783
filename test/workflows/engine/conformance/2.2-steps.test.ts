import { describe, expect, test } from "vitest";
import { compile } from "../../../../workflows/engine/engine.ts";
import { problemsOf, resultText } from "../support/run-workflow.ts";

/** Steps of a list form, from lines without indentation rules to remember. */
const yaml = (lines: string): string => lines.replace(/^\n/, "");

describe("2.2 step keys", () => {
  test("[S 2.2-01] an unknown key is refused with a suggestion", () => {
    const compiled = compile("- a:\n    asign: [{x: 1}]\n", { file: "f.yaml" });
    expect(compiled.ok ? [] : compiled.problems).toMatchObject([
      { rule: "empty-step" },
      { rule: "unknown-key", line: 2, column: 5, hint: "did you mean assign?" },
    ]);
  });
  test("[S 2.2-02] args and result need call", () =>
    expect(problemsOf("- a:\n    args: {}\n    assign: [{x: 1}]\n")).toEqual(["misplaced-key"]));
  test("[S 2.2-02] retry and except need try", () =>
    expect(
      problemsOf("- a:\n    call: sys.log\n    args: {text: a}\n    retry: ${http.default_retry}\n"),
    ).toEqual(["misplaced-key"]));
  test("[S 2.2-03] a step has one operation", () =>
    expect(problemsOf("- a:\n    assign: [{x: 1}]\n    return: 1\n")).toEqual(["several-operations"]));
  test("[S 2.2-04] a step with only next is legal", async () =>
    expect(await resultText("- a:\n    next: c\n- b:\n    return: 1\n- c:\n    return: 2\n")).toBe("2"));
  test("[S 2.2-06] an assign has at most 50 entries", () => {
    const entries = Array.from({ length: 51 }, (_, i) => `      - x${i}: 1\n`).join("");
    expect(problemsOf(`- a:\n    assign:\n${entries}`)).toEqual(["list-size"]);
  });
  test("[D 2.2-07] later assignments see earlier ones", async () =>
    expect(
      await resultText(
        "- a:\n    assign: [{x: 1}, {y: '${x + 1}'}, {x: '${y * 10}'}]\n- r:\n    return: ${x}\n",
      ),
    ).toBe("20"));
  test("[D 2.2-08] targets may be nested, with expressions as indexes", async () => {
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
  test("[D 2.1-21] keys of maps may be expressions, which must give strings", async () => {
    const source = yaml(`
- a:
    assign:
      - k: wheel
      - m: {"\${k}": 1, '\${k + "Nut"}': ["\${k}"], plain: 2}
- r:
    return: \${m}
`);
    expect(await resultText(source)).toBe('{"wheel":1,"wheelNut":["wheel"],"plain":2}');
    expect(await resultText('- a:\n    return: {"${1 + 1}": 1}\n')).toContain('"tags":["TypeError"]');
    expect(problemsOf('- a:\n    return: {"${nope}": 1}\n')).toEqual(["unknown-variable"]);
  });
  test("[D 2.2-19] arguments of a call step may be a list in the order of the parameters", async () => {
    const sub = "sub:\n  params: [a, b: 4]\n  steps:\n    - r:\n        return: ${a * b}\n";
    const call = (name: string, args: string): string =>
      `main:\n  steps:\n    - c:\n        call: ${name}\n        args: ${args}\n        result: r\n    - d:\n        return: \${r}\n${sub}`;
    expect(await resultText(call("sub", "[3]"))).toBe("12");
    expect(await resultText(call("sub", "['${1 + 1}', 5]"))).toBe("10");
    expect(await resultText(call("text.split", '["a-b", "-"]'))).toBe('["a","b"]');
    expect(problemsOf(call("sub", "[1, 2, 3]"))).toEqual(["argument-count"]);
    expect(problemsOf(call("sub", "[]"))).toEqual(["missing-argument"]);
    expect(problemsOf(call("googleapis.run.v1.a.b", "[1]"))).toEqual(["argument-count", "unknown-connector"]);
  });
  test("[R 2.2-10] missing keys on the way are created", async () =>
    expect(await resultText("- a:\n    assign: [{m: {}}, {m.a.b.c: 1}]\n- r:\n    return: ${m}\n")).toBe(
      '{"a":{"b":{"c":1}}}',
    ));
  test("[R 2.2-11] a list never grows by index", async () => {
    expect(await resultText("- a:\n    assign: [{l: [1]}, {'l[1]': 2}]\n")).toContain(
      '"tags":["IndexError","LookupError"]',
    );
  });
  test("[D 2.2-17] a call names every function, with result in the current scope", async () => {
    expect(
      await resultText(
        "- a:\n    call: text.split\n    args: {source: 'a,b', separator: ','}\n    result: r\n- d:\n    return: ${r}\n",
      ),
    ).toBe('["a","b"]');
  });
  test("[R 2.2-18] unknown and missing arguments are refused", () => {
    expect(problemsOf("- a:\n    call: text.split\n    args: {sauce: x, source: y}\n")).toEqual([
      "missing-argument",
      "unknown-argument",
    ]);
    expect(
      problemsOf(
        "main:\n  steps:\n    - a:\n        call: s\n        args: {y: 1}\ns:\n  params: [x]\n  steps:\n    - a:\n        return: 1\n",
      ),
    ).toEqual(["missing-argument", "unknown-argument"]);
  });
  test("[S 2.2-25] the first true case runs and then its next", async () => {
    const source =
      "- s:\n    switch:\n      - condition: false\n        return: 1\n      - condition: ${1 < 2}\n        assign: [{x: 5}]\n        next: d\n      - condition: true\n        return: 3\n- e:\n    return: 4\n- d:\n    return: ${x}\n";
    expect(await resultText(source)).toBe("5");
  });
  test("[S 2.2-26] a case without next goes on with the next of the switch", async () => {
    const source =
      "- s:\n    switch:\n      - condition: true\n        assign: [{x: 1}]\n    next: d\n- e:\n    return: 4\n- d:\n    return: ${x}\n";
    expect(await resultText(source)).toBe("1");
  });
  test("[S 2.2-27] no match falls through", async () =>
    expect(
      await resultText(
        "- s:\n    switch:\n      - condition: false\n        return: 1\n- e:\n    return: 4\n",
      ),
    ).toBe("4"));
  test("[D 2.2-23] a condition that is no boolean raises TypeError", async () =>
    expect(await resultText("- s:\n    switch:\n      - condition: 1\n        return: 1\n")).toContain(
      '"tags":["TypeError"]',
    ));
  test("[S 2.2-21] a case may hold steps, for, try and a nested switch", async () => {
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
  test("[D 2.2-32] range takes expressions as items and yields nothing when first is above last", async () => {
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
  test("[D 2.2-36] maps are iterated over their keys", async () => {
    const source =
      "- i:\n    assign: [{m: {b: 1, a: 2}}, {s: ''}]\n- f:\n    for: {value: k, in: '${keys(m)}', steps: [{x: {assign: [{s: '${s + k}'}]}}]}\n- r:\n    return: ${s}\n";
    expect(await resultText(source)).toBe('"ba"');
  });
  test("[S 2.2-35] the collection is evaluated once at entry", async () => {
    const source =
      "- i:\n    assign: [{l: [1, 2]}]\n- f:\n    for: {value: v, in: '${l}', steps: [{x: {assign: [{l: '${list.concat(l, v)}'}]}}]}\n- r:\n    return: ${len(l)}\n";
    expect(await resultText(source)).toBe("4");
  });
  test("[S 2.2-34] for needs exactly one of in and range", () =>
    expect(problemsOf("- f:\n    for: {value: v, steps: [{x: {next: continue}}]}\n")).toEqual([
      "for-collection",
    ]));
  test("[D 2.2-46] the end of a routine returns null", async () =>
    expect(await resultText("- a:\n    assign: [{x: 1}]\n")).toBe("null"));
  test("[D 2.2-42] nested steps share the scope", async () =>
    expect(
      await resultText("- a:\n    steps:\n      - b:\n          assign: [{x: 1}]\n- r:\n    return: ${x}\n"),
    ).toBe("1"));
});
