import { describe, expect, test } from "vitest";
import { evaluated, problemsOf, resultText, tagsOf } from "../support/run-workflow.ts";

const VARIABLES = ["n: null", "l: [1, 2, 3]", "m: {a: 1, b: {c: x}, NOT: 5}", "t: true", "d: 2.0"];

const VALUES: readonly (readonly [mark: string, expression: string, expected: string])[] = [
  // Precedence, high to low: () . [] not - * / // % + - comparisons and or.
  ["D 2.6-07", "2 + 3 * 4", "14"],
  ["D 2.6-07", "(2 + 3) * 4", "20"],
  ["D 2.6-12", "-2 * -3", "6"],
  ["D 2.6-07", "10 - 2 - 3", "5"],
  ["D 2.6-07", "100 / 10 / 2", "5"],
  ["D 2.6-07", "1 + 2 == 3 and not false", "true"],
  ["D 2.6-07", "true or false and false", "true"],
  ["D 2.6-08", "1 < 2 == true", "true"],
  ["D 2.6-07", "not t or t", "true"],
  ["D 2.6-05", "NOT t OR t AND t", "true"],
  ["D 2.6-07", "2 > 1 AND 1 < 2", "true"],
  // Literals.
  ["D 2.6-04", "'single' + \" and double\"", '"single and double"'],
  ["D 2.6-03", '"tab\\t quote\\" slash\\\\ \\u00e9"', '"tab\\t quote\\" slash\\\\ é"'],
  ["D 2.6-05", "[True, FALSE, null, 1.5]", "[true,false,null,1.5]"],
  ["D 2.6-13", '["-c", "x " + 1]', '["-c","x 1"]'],
  ["?", "1e3", "1000"],
  ["D 2.6-29", "-9223372036854775808", "-9223372036854775808"],
  // Addition converts.
  ["D 2.6-20", "1 + 2", "3"],
  ["D 2.6-20", "get_type(1 + 2.0)", '"double"'],
  ["D 2.6-21", '"a" + true', '"atrue"'],
  ["D 2.6-21", 'false + "a"', '"falsea"'],
  ["D 2.6-21", '1.5 + "a"', '"1.5a"'],
  // Division and remainder.
  ["D 2.6-26", "7 // 2", "3"],
  ["D 2.6-26", "7 // -2", "-4"],
  ["D 2.6-25", "get_type(4 / 2)", '"double"'],
  ["D 2.6-27", "7 % 4", "3"],
  ["D 2.6-27", "8 % 4", "0"],
  ["?", "-7 % 3", "2"],
  ["?", "7 % -3", "-2"],
  ["?", "7.5 % 2", "1.5"],
  ["?", "7.5 // 2", "3"],
  ["?", "get_type(7.5 // 2)", '"double"'],
  // Comparison.
  ["D 2.6-32", "1 == 1.0", "true"],
  ["D 2.6-30", "2 > 1.5", "true"],
  ["D 2.6-30", "9007199254740993 > 9007199254740992.0", "true"],
  ["D 2.6-33", "n == null", "true"],
  ["D 2.6-33", "l == null", "false"],
  ["D 2.6-33", "1 != null", "true"],
  ["?", '"a" < "b"', "true"],
  ["?", '"1" == 1', "false"],
  ["?", "l == [1, 2, 3]", "true"],
  ["?", 'm.b == json.decode("{\\"c\\": \\"x\\"}")', "true"],
  // in.
  ["D 2.6-34", "2 in l", "true"],
  ["D 2.6-34", '"a" in m', "true"],
  ["D 2.6-34", '"SystemError" in ["SystemError"]', "true"],
  ["D 2.6-09", 'not("z" in m)', "true"],
  // Access.
  ["D 2.6-15", "m.b.c", '"x"'],
  ["D 2.6-15", 'm["b"]["c"]', '"x"'],
  ["D 2.6-15", "m.NOT", "5"],
  ["D 2.6-15", "l[len(l) - 1]", "3"],
  ["D 2.6-15", 'text.split("a-b", "-")[1]', '"b"'],
  // Logic.
  ["R 2.6-18", "true or 1/0 == 0", "true"],
  ["R 2.6-18", "false and 1/0 == 0", "false"],
  ["D 2.6-11", "if(t, 1, 2)", "1"],
];

describe("2.6 values", () => {
  test.each(VALUES)("[%s] %s is %s", async (_, expression, expected) => {
    expect(await evaluated(expression, VARIABLES)).toBe(expected);
  });
});

const ERRORS: readonly (readonly [mark: string, expression: string, tags: string])[] = [
  ["D 2.6-22", "true + true", '["TypeError"]'],
  ["D 2.6-22", "1 + true", '["TypeError"]'],
  ["D 2.6-22", "1.5 + false", '["TypeError"]'],
  ["R 2.6-23", "n + 1", '["TypeError"]'],
  ["R 2.6-23", 'n + "a"', '["TypeError"]'],
  ["R 2.6-23", "l + l", '["TypeError"]'],
  ["D 2.6-24", '"a" - 1', '["TypeError"]'],
  ["D 2.6-24", '"a" * 2', '["TypeError"]'],
  ["D 2.6-28", "1 // 0", '["ZeroDivisionError"]'],
  ["D 2.6-28", "1.5 / 0", '["ZeroDivisionError"]'],
  ["D 2.6-28", "1 % 0.0", '["ZeroDivisionError"]'],
  ["D 2.6-31", "n < 1", '["TypeError"]'],
  ["D 2.6-31", '"a" < 1', '["TypeError"]'],
  ["D 2.6-31", "l < l", '["TypeError"]'],
  ["D 2.6-09", 'not "a" in m', '["TypeError"]'],
  ["D 2.6-17", "not 1", '["TypeError"]'],
  ["D 2.6-17", "1 and true", '["TypeError"]'],
  ["D 2.6-17", "true and 1", '["TypeError"]'],
  ["D 2.6-17", "n or true", '["TypeError"]'],
  ["R 2.6-36", "m.missing", '["KeyError","LookupError"]'],
  ["R 2.6-36", 'm["missing"]', '["KeyError","LookupError"]'],
  ["R 2.6-37", "n.x", '["TypeError"]'],
  ["R 2.6-37", "t.x", '["TypeError"]'],
  ["R 2.6-38", "l[3]", '["IndexError","LookupError"]'],
  ["R 2.6-38", "l[-1]", '["IndexError","LookupError"]'],
  ["R 2.6-38", "l[1.0]", '["TypeError"]'],
  ["R 2.6-38", 'l["0"]', '["TypeError"]'],
  ["R 2.6-39", "m[1]", '["TypeError"]'],
  ["O 2.6-35", '"a" in n', '["TypeError"]'],
  ["O 2.6-35", '1 in "abc"', '["TypeError"]'],
  ["R 2.6-19", "if(t, 1, 1/0)", '["ZeroDivisionError"]'],
  ["?", "9223372036854775807 + 1", '["ValueError"]'],
  ["?", "9223372036854775807 * 2", '["ValueError"]'],
  ["?", "-(-9223372036854775807 - 1)", '["ValueError"]'],
];

describe("2.6 errors", () => {
  test.each(ERRORS)("[%s] %s raises %s", async (_, expression, tags) => {
    expect(await tagsOf(expression, VARIABLES)).toBe(tags);
  });
});

const REFUSED: readonly (readonly [mark: string, expression: string])[] = [
  ["D 2.6-06", "true And false"],
  ["D 2.6-06", "true Or false"],
  ["D 2.6-06", "Not true"],
  ["D 2.6-10", "1 not in [1]"],
  ["D 2.6-11", "true ? 1 : 2"],
  ["?", "+1"],
  ["R 2.6-14", "{}"],
  ["D 2.4-15", "a = 1"],
  ["D 2.4-15", "1 +"],
  ["D 2.4-15", "(1"],
  ["D 2.4-15", "[1, 2"],
  ["D 2.4-15", '"open'],
  ["D 2.4-15", "1 2"],
  ["D 2.4-15", ""],
  ["D 2.4-15", "l[0](1)"],
  ["D 2.6-29", "9223372036854775808"],
  ["D 2.4-15", "m.-x"],
  ["D 2.4-15", "not -1"],
];

describe("2.6 refused at deployment", () => {
  test.each(REFUSED)("[%s] %s", (_, expression) => {
    const source = `- i:\n    assign: [{l: [1]}, {m: {}}, {a: 1}]\n- r:\n    return: '\${${expression.replaceAll("'", "''")}}'\n`;
    expect(problemsOf(source)).toEqual(["expression-syntax"]);
  });
});

describe("2.6 types", () => {
  test("[R 2.6-40] get_type names every type", async () => {
    const list =
      '[get_type(t), get_type(base64.decode("")), get_type(d), get_type(1), get_type(l), get_type(m), get_type("s"), get_type(n)]';
    expect(await evaluated(list, VARIABLES)).toBe(
      '["boolean","bytes","double","integer","list","map","string","null"]',
    );
  });
  test("[D 2.6-41] bytes cannot be returned", async () =>
    expect(await evaluated('text.encode("a")')).toContain('"ValueError"'));
  test("[D 2.6-43] integral doubles have no .0 in results", async () =>
    expect(await evaluated("d", VARIABLES)).toBe("2"));
  test("[D 2.6-44] string of a double is the shortest text that reads back", async () =>
    expect(await evaluated("string(1635892223.4459958)")).toBe('"1635892223.4459958"'));
  test("[R 2.6-16] subworkflows are called with positional arguments inside expressions, left to right", async () => {
    const source = `
main:
  steps:
    - i:
        assign: [{x: 1}]
    - r:
        return: \${[f("a"), x, f("b") + "!", f(f("c")), false and f("d") == "d", true and f("e") == "(e)"]}
f:
  params: [s]
  steps:
    - r:
        return: \${"(" + s + ")"}
`;
    expect(await resultText(source)).toBe('["(a)",1,"(b)!","((c))",false,true]');
  });
  test("[S 2.4-14] a blocking connector helper may stand in an expression", async () => {
    const expression = 'googleapis.secretmanager.v1.projects.secrets.versions.accessString("s", "1", "p")';
    const source = `- r:\n    return: \${${expression}}\n`;
    const script = [
      {
        when: "GET https://secretmanager.googleapis.com/v1/projects/p/secrets/s/versions/1:access",
        answers: [
          {
            kind: "http",
            status: 200,
            headers: { "content-type": "application/json" },
            body: { encoding: "utf8", data: '{"payload":{"data":"aHVzaA=="}}' },
          },
        ],
      },
    ] as const;
    expect(await resultText(source, { script })).toBe('"hush"');
  });
});
