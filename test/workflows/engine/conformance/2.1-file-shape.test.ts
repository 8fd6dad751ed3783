import { describe, expect, test } from "vitest";
import { problemsOf, resultText } from "../support/run-workflow.ts";

describe("2.1 file shape", () => {
  test("[D 2.1-04] main is required beside a subworkflow", () =>
    expect(problemsOf("sub:\n  steps:\n    - a:\n        return: 1\n")).toEqual(["missing-main"]));
  test("[S 2.1-05] a routine has no keys but params and steps", () => {
    expect(problemsOf("main:\n  step:\n    - a:\n        return: 1\n")).toEqual([
      "missing-steps",
      "unknown-key",
    ]);
  });
  test("[S 2.1-06] main takes at most one parameter", () =>
    expect(problemsOf("main:\n  params: [a, b]\n  steps:\n    - a:\n        return: 1\n")).toEqual([
      "list-size",
    ]));
  test("[S 2.1-08] a subworkflow takes at most ten parameters", () => {
    const params = Array.from({ length: 11 }, (_, i) => `p${i}`).join(", ");
    expect(
      problemsOf(
        `main:\n  steps:\n    - a:\n        return: 1\nsub:\n  params: [${params}]\n  steps:\n    - a:\n        return: 1\n`,
      ),
    ).toEqual(["list-size"]);
  });
  test("[S 2.1-09] a parameter may have a literal default, which a call may leave out", async () => {
    const source =
      "main:\n  steps:\n    - a:\n        return: ${sub(1) + sub(1, 5)}\nsub:\n  params: [x, y: 10]\n  steps:\n    - a:\n        return: ${x * y}\n";
    expect(await resultText(source)).toBe("15");
  });
  test("[D 2.1-12] booleans are true, True, TRUE and false, False, FALSE only", async () => {
    expect(
      await resultText("- a:\n    return: [true, True, TRUE, false, False, FALSE, yes, on, tRue]\n"),
    ).toBe('[true,true,true,false,false,false,"yes","on","tRue"]');
  });
  test("[S 2.1-13] null is empty, ~ and null", async () =>
    expect(await resultText("- a:\n    return: {a: , b: ~, c: null}\n")).toBe(
      '{"a":null,"b":null,"c":null}',
    ));
  test("[S 2.1-15] 1 is an integer and 1.0 a double", async () => {
    expect(
      await resultText(
        "- a:\n    assign: [{i: 1}, {d: 1.0}]\n- r:\n    return: ['${get_type(i)}', '${get_type(d)}']\n",
      ),
    ).toBe('["integer","double"]');
  });
  test("[S 2.1-15] integers keep 64 bits", async () =>
    expect(await resultText("- a:\n    return: 9223372036854775807\n")).toBe("9223372036854775807"));
  test("[S 2.1-15] an integer beyond 64 bits is refused", () =>
    expect(problemsOf("- a:\n    return: 9223372036854775808\n")).toEqual(["integer-size"]));
  test("[S 2.1-14] duplicate keys are refused", () =>
    expect(problemsOf("- a:\n    assign: [{x: 1}]\n    assign: [{x: 2}]\n")).toContain("duplicate-key"));
  test("[S 2.1-10] a step is a map with one key", () =>
    expect(problemsOf("- a:\n    return: 1\n  b:\n    return: 2\n")).toEqual(["single-key"]));
  test("[S 2.1-11] steps has at least one item", () =>
    expect(problemsOf("main:\n  steps: []\n")).toEqual(["list-size"]));
  test("[D 2.1-16] text around ${} is literal and warned about", async () => {
    const source = "- i:\n    assign: [{world: w}]\n- a:\n    return: hello-${world}\n";
    expect(await resultText(source)).toBe('"hello-${world}"');
    expect(problemsOf(source)).toEqual(["embedded-expression"]);
  });
  test("[D 2.1-17] an expression may span lines", async () =>
    expect(await resultText('- a:\n    return: ${1 +\n      2 + \n      len("ab")}\n')).toBe("5"));
  test("[R 2.1-01] a source of more than 128 KB is refused", () =>
    expect(problemsOf(`- a:\n    return: "${"x".repeat(131_072)}"\n`)).toEqual(["source-size"]));
  test("[S 2.1-19] JSON and YAML twins give the same result", async () => {
    const json =
      '{"main":{"params":["a"],"steps":[{"s":{"assign":[{"x":"${a.n + 1}"}]}},{"r":{"return":"${x}"}}]}}';
    expect(await resultText(json, { argument: { n: 2 } })).toBe("3");
  });
  test("[?] aliases are expanded", async () =>
    expect(await resultText("- a:\n    assign: [{x: &v {k: 1}}, {y: *v}]\n- r:\n    return: ${y.k}\n")).toBe(
      "1",
    ));
});
