import { describe, expect, test } from "vitest";
import { jsonResponse, textResponse } from "../../../../workflows/engine/engine.ts";
import { evaluated, problemsOf, resultText, run, tagsOf } from "../support/run-workflow.ts";

const M = ["m: {a: {b: 7}, k: {x: 1}}", "n: {k: {y: 2}}", "z: null"];

const VALUES: readonly (readonly [mark: string, expression: string, expected: string])[] = [
  ["D 3.3-01", '"a" + 1', '"a1"'],
  ["D 3.3-02", '1 + "a"', '"1a"'],
  ["D 3.3-03", 'true + "a"', '"truea"'],
  ["D 3.3-04", '"a" + 1.5', '"a1.5"'],
  ["D 3.3-05", "10/2", "5"],
  ["D 3.3-06", "get_type(10/2)", '"double"'],
  ["D 3.3-07", "7//2", "3"],
  ["D 3.3-08", "-7//2", "-4"],
  ["D 3.3-09", "7%3", "1"],
  ["D 3.3-10", "true OR false", "true"],
  ["D 3.3-11", "NOT true", "false"],
  ["S 3.3-12", 'not("b" in m)', "true"],
  ["D 3.3-13", "if(null, 1, 2)", "2"],
  ["D 3.3-14", "default(null, 3)", "3"],
  ["D 3.3-15", "get_type(1)", '"integer"'],
  ["R 3.3-16", "get_type(null)", '"null"'],
  ["D 3.3-17", 'len("héé")', "3"],
  ["D 3.3-18", "int(-2.7)", "-2"],
  ["D 3.3-19", "math.floor(-2.5)", "-3"],
  ["D 3.3-20", "list.concat([1], [2])", "[1,[2]]"],
  ["D 3.3-21", "list.prepend([1], 0)", "[0,1]"],
  ["D 3.3-22", 'text.find_all("abab", "ab")', "[0,2]"],
  [
    "R 3.3-23",
    'text.find_all_regex("a1b22", "[0-9]+")',
    '[{"index":1,"match":"1"},{"index":3,"match":"22"}]',
  ],
  ["D 3.3-24", 'text.url_encode("a b/c")', '"a%20b%2Fc"'],
  ["D 3.3-25", 'text.url_encode_plus("a b")', '"a+b"'],
  ["D 3.3-26", 'text.url_decode("a%2Fb+c")', '"a/b c"'],
  ["D 3.3-27", "json.decode(json.encode(m)).a.b", "7"],
  ["R 3.3-28", 'map.get(m, ["a", "b"])', "7"],
  ["D 3.3-29", "map.merge_nested(m, n).k", '{"x":1,"y":2}'],
  ["D 3.3-30", 'time.format(1720788633, "Europe/Paris")', '"2024-07-12T14:50:33.000000+02:00"'],
  ["D 3.3-31", 'time.parse("2024-05-08T12:01:00.000000Z")', "1715169660"],
  [
    "D 3.3-32",
    'base64.encode(hash.compute_checksum(text.encode("a"), "SHA256"))',
    '"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="',
  ],
];

describe("3.3 values of expressions", () => {
  test.each(VALUES)("[%s] %s is %s", async (_, expression, expected) => {
    expect(await evaluated(expression, M)).toBe(expected);
  });
});

const ERRORS: readonly (readonly [mark: string, expression: string, expected: string])[] = [
  ["D 3.3-33", "true + 1", '["TypeError"]'],
  ["D 3.3-34", "1/0", '["ZeroDivisionError"]'],
  ["D 3.3-35", "1%0", '["ZeroDivisionError"]'],
  ["D 3.3-36", 'text.url_decode("%zz")', '["ValueError"]'],
  ["O 3.3-37", "m.missing", '["KeyError","LookupError"]'],
];

describe("3.3 errors of expressions", () => {
  test.each(ERRORS)("[%s] %s raises %s", async (_, expression, expected) => {
    expect(await tagsOf(expression, M)).toBe(expected);
  });

  test("[O 3.3-38] in on null has the exact text that production was seen to give", async () => {
    const source = `
- init:
    assign: [{z: null}]
- t:
    try:
      assign: [{x: '\${"a" in z}'}]
    except:
      as: e
      steps: [{r: {return: "\${e}"}}]
`;
    expect(await resultText(source)).toBe(
      `{"message":"The argument of 'in' must be a dict or an array; got: null","tags":["TypeError"]}`,
    );
  });
});

describe("3.3 refused at deployment", () => {
  test("[D 3.3-39] true And false", () =>
    expect(problemsOf("- a:\n    return: ${true And false}\n")).toEqual(["expression-syntax"]));
  test("[D 3.3-40] return of an undeclared variable", () =>
    expect(problemsOf("- a:\n    return: ${varC}\n")).toEqual(["unknown-variable"]));
  test("[D 3.3-41] a branch that writes an outer variable without sharing it", () => {
    const branch = (name: string, variable: string): string =>
      `        - ${name}:\n            steps:\n              - ${name}1:\n                  assign: [{${variable}: 1}]\n`;
    const source = `- init:\n    assign: [{v: 0}]\n- p:\n    parallel:\n      branches:\n${branch("a", "v")}${branch("b", "w")}`;
    expect(problemsOf(source)).toEqual(["unshared-write"]);
  });
});

describe("3.3 workflows", () => {
  test("[S 3.3-42] a file that is a list of steps runs", async () =>
    expect(await resultText("- a:\n    return: 1\n")).toBe("1"));
  test("[O 3.3-43] the parameter of main is null when no argument was sent", async () => {
    expect(await resultText("main:\n  params: [input]\n  steps:\n    - a:\n        return: ${input}\n")).toBe(
      "null",
    );
  });
  test("[D 3.3-44] for over range ${[1,3]} sums to 6", async () => {
    const source =
      "- i:\n    assign: [{s: 0}]\n- f:\n    for:\n      value: v\n      range: ${[1,3]}\n      steps: [{a: {assign: [{s: '${s + v}'}]}}]\n- r:\n    return: ${s}\n";
    expect(await resultText(source)).toBe("6");
  });
  test("[D 3.3-45] for over range [1.5, 3] yields 1.5 and 2.5", async () => {
    const source =
      "- i:\n    assign: [{s: []}]\n- f:\n    for:\n      value: v\n      range: [1.5, 3]\n      steps: [{a: {assign: [{s: '${list.concat(s, v)}'}]}}]\n- r:\n    return: ${s}\n";
    expect(await resultText(source)).toBe("[1.5,2.5]");
  });
  test("[D 3.3-46] for with index, continue at 2 and break at 4 over [1,2,3,4] collects the indexes 0 and 2", async () => {
    const source = `
- i:
    assign: [{s: []}]
- f:
    for:
      value: v
      index: k
      in: [1, 2, 3, 4]
      steps:
        - c:
            switch:
              - condition: \${v == 2}
                next: continue
              - condition: \${v == 4}
                next: break
        - a:
            assign: [{s: "\${list.concat(s, k)}"}]
- r:
    return: \${s}
`;
    expect(await resultText(source)).toBe("[0,2]");
  });
  test("[D 3.3-47] retry: ${http.default_retry} retries five times after 1, 1.25, 1.5625, ... seconds", async () => {
    const { outcome, driver, seconds } = await run(
      "- a:\n    try:\n      call: http.get\n      args: {url: 'https://x.test/'}\n    retry: ${http.default_retry}\n",
      { script: [{ when: "GET", answers: [textResponse(503, "no")] }] },
    );
    expect(outcome.state).toBe("FAILED");
    expect(driver.requests).toHaveLength(6);
    expect(seconds).toBeCloseTo(1 + 1.25 + 1.25 ** 2 + 1.25 ** 3 + 1.25 ** 4, 9);
  });
  test("[R 3.3-48] a raised map keeps its own keys", async () => {
    const source =
      "- t:\n    try:\n      raise: {code: 55, message: m, extra: 1}\n    except:\n      as: e\n      steps: [{r: {return: '${e.extra == 1}'}}]\n";
    expect(await resultText(source)).toBe("true");
  });
  test("[S 3.3-49] a switch case with call and result sets a variable that later steps read", async () => {
    const source =
      "- s:\n    switch:\n      - condition: true\n        call: http.get\n        args: {url: 'https://x.test/'}\n        result: r\n- d:\n    return: ${r.body.v}\n";
    expect(
      await resultText(source, { script: [{ when: "GET", answers: [jsonResponse(200, { v: 4 })] }] }),
    ).toBe("4");
  });
  test("[S 3.3-50] a parallel for over 0 to 5 that raises on odd values ends in UnhandledBranchError with three branches", async () => {
    const source = `
- p:
    try:
      parallel:
        for:
          value: v
          range: [0, 5]
          steps:
            - checkEven:
                switch:
                  - condition: \${v % 2 == 1}
                    raise: how odd!
    except:
      as: e
      steps:
        - r:
            return: \${e}
`;
    const error = JSON.parse(await resultText(source)) as {
      branches: { id: string }[];
      tags: string[];
      truncated: boolean;
      message: string;
    };
    expect(error.tags).toEqual(["UnhandledBranchError", "RuntimeError"]);
    expect(error.message).toBe(
      "UnhandledBranchError: One or more branches or iterations encountered an unhandled runtime error",
    );
    expect(error.truncated).toBe(false);
    expect(error.branches.map(({ id }) => id).sort()).toEqual(["1", "3", "5"]);
    expect(error.branches[0]).toMatchObject({
      error: {
        payload: '"how odd!"',
        context: expect.stringMatching(
          /^RuntimeError: "how odd!"\nin step "checkEven", routine "main", line: \d+$/,
        ) as string,
      },
    });
  });
});
