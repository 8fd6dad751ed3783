import { describe, expect, test } from "vitest";
import { evaluated, problemsOf, resultText, tagsOf } from "../support/run-workflow.ts";

const VARIABLES = ["n: null", "l: [1, 2, 3]", "m: {a: 1, b: {c: x}, NOT: 5}", "t: true", "d: 2.0"];

const VALUES: readonly (readonly [mark: string, expression: string, expected: string])[] = [
  // Precedence, high to low: () . [] not - * / // % + - comparisons and or.
  ["D", "2 + 3 * 4", "14"],
  ["D", "(2 + 3) * 4", "20"],
  ["D", "-2 * -3", "6"],
  ["D", "10 - 2 - 3", "5"],
  ["D", "100 / 10 / 2", "5"],
  ["D", "1 + 2 == 3 and not false", "true"],
  ["D", "true or false and false", "true"],
  ["D", "1 < 2 == true", "true"],
  ["D", "not t or t", "true"],
  ["D", "NOT t OR t AND t", "true"],
  ["D", "2 > 1 AND 1 < 2", "true"],
  // Literals.
  ["D", "'single' + \" and double\"", '"single and double"'],
  ["D", '"tab\\t quote\\" slash\\\\ \\u00e9"', '"tab\\t quote\\" slash\\\\ é"'],
  ["D", "[True, FALSE, null, 1.5]", "[true,false,null,1.5]"],
  ["D", '["-c", "x " + 1]', '["-c","x 1"]'],
  ["?", "1e3", "1000"],
  ["D", "-9223372036854775808", "-9223372036854775808"],
  // Addition converts.
  ["D", "1 + 2", "3"],
  ["D", "get_type(1 + 2.0)", '"double"'],
  ["D", '"a" + true', '"atrue"'],
  ["D", 'false + "a"', '"falsea"'],
  ["D", '1.5 + "a"', '"1.5a"'],
  // Division and remainder.
  ["D", "7 // 2", "3"],
  ["D", "7 // -2", "-4"],
  ["D", "get_type(4 / 2)", '"double"'],
  ["?", "-7 % 3", "2"],
  ["?", "7 % -3", "-2"],
  ["?", "7.5 % 2", "1.5"],
  ["?", "7.5 // 2", "3"],
  ["?", "get_type(7.5 // 2)", '"double"'],
  // Comparison.
  ["D", "1 == 1.0", "true"],
  ["D", "2 > 1.5", "true"],
  ["D", "9007199254740993 > 9007199254740992.0", "true"],
  ["D", "n == null", "true"],
  ["D", "l == null", "false"],
  ["D", "1 != null", "true"],
  ["?", '"a" < "b"', "true"],
  ["?", '"1" == 1', "false"],
  ["?", "l == [1, 2, 3]", "true"],
  ["?", 'm.b == json.decode("{\\"c\\": \\"x\\"}")', "true"],
  // in.
  ["D", "2 in l", "true"],
  ["D", '"a" in m', "true"],
  ["D", '"SystemError" in ["SystemError"]', "true"],
  ["D", 'not("z" in m)', "true"],
  // Access.
  ["D", "m.b.c", '"x"'],
  ["D", 'm["b"]["c"]', '"x"'],
  ["D", "m.NOT", "5"],
  ["D", "l[len(l) - 1]", "3"],
  ["D", 'text.split("a-b", "-")[1]', '"b"'],
  // Logic.
  ["R", "true or 1/0 == 0", "true"],
  ["R", "false and 1/0 == 0", "false"],
  ["D", "if(t, 1, 2)", "1"],
];

describe("2.6 values", () => {
  test.each(VALUES)("[%s] %s is %s", async (_, expression, expected) => {
    expect(await evaluated(expression, VARIABLES)).toBe(expected);
  });
});

const ERRORS: readonly (readonly [mark: string, expression: string, tags: string])[] = [
  ["D", "true + true", '["TypeError"]'],
  ["D", "1 + true", '["TypeError"]'],
  ["D", "1.5 + false", '["TypeError"]'],
  ["R", "n + 1", '["TypeError"]'],
  ["R", 'n + "a"', '["TypeError"]'],
  ["R", "l + l", '["TypeError"]'],
  ["D", '"a" - 1', '["TypeError"]'],
  ["D", '"a" * 2', '["TypeError"]'],
  ["D", "1 // 0", '["ZeroDivisionError"]'],
  ["D", "1.5 / 0", '["ZeroDivisionError"]'],
  ["D", "1 % 0.0", '["ZeroDivisionError"]'],
  ["D", "n < 1", '["TypeError"]'],
  ["D", '"a" < 1', '["TypeError"]'],
  ["D", "l < l", '["TypeError"]'],
  ["D", 'not "a" in m', '["TypeError"]'],
  ["D", "not 1", '["TypeError"]'],
  ["D", "1 and true", '["TypeError"]'],
  ["D", "true and 1", '["TypeError"]'],
  ["D", "n or true", '["TypeError"]'],
  ["R", "m.missing", '["KeyError","LookupError"]'],
  ["R", 'm["missing"]', '["KeyError","LookupError"]'],
  ["R", "n.x", '["TypeError"]'],
  ["R", "t.x", '["TypeError"]'],
  ["R", "l[3]", '["IndexError","LookupError"]'],
  ["R", "l[-1]", '["IndexError","LookupError"]'],
  ["R", "l[1.0]", '["TypeError"]'],
  ["R", 'l["0"]', '["TypeError"]'],
  ["R", "m[1]", '["TypeError"]'],
  ["D", '"a" in n', '["TypeError"]'],
  ["D", '1 in "abc"', '["TypeError"]'],
  ["R", "if(t, 1, 1/0)", '["ZeroDivisionError"]'],
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
  ["D", "true And false"],
  ["D", "true Or false"],
  ["D", "Not true"],
  ["D", "1 not in [1]"],
  ["D", "true ? 1 : 2"],
  ["D", "+1"],
  ["R", "{}"],
  ["D", "a = 1"],
  ["D", "1 +"],
  ["D", "(1"],
  ["D", "[1, 2"],
  ["D", '"open'],
  ["D", "1 2"],
  ["D", ""],
  ["D", "l[0](1)"],
  ["D", "9223372036854775808"],
  ["D", "m.-x"],
  ["D", "not -1"],
];

describe("2.6 refused at deployment", () => {
  test.each(REFUSED)("[%s] %s", (_, expression) => {
    const source = `- i:\n    assign: [{l: [1]}, {m: {}}, {a: 1}]\n- r:\n    return: '\${${expression.replaceAll("'", "''")}}'\n`;
    expect(problemsOf(source)).toEqual(["expression-syntax"]);
  });
});

describe("2.6 types", () => {
  test("[R] get_type names every type", async () => {
    const list =
      '[get_type(t), get_type(base64.decode("")), get_type(d), get_type(1), get_type(l), get_type(m), get_type("s"), get_type(n)]';
    expect(await evaluated(list, VARIABLES)).toBe(
      '["boolean","bytes","double","integer","list","map","string","null"]',
    );
  });
  test("[D] bytes cannot be returned", async () =>
    expect(await evaluated('text.encode("a")')).toContain('"ValueError"'));
  test("[D] integral doubles have no .0 in results", async () =>
    expect(await evaluated("d", VARIABLES)).toBe("2"));
  test("[D] string of a double is the shortest text that reads back", async () =>
    expect(await evaluated("string(1635892223.4459958)")).toBe('"1635892223.4459958"'));
  test("[R] subworkflows are called with positional arguments inside expressions, left to right", async () => {
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
  test("[S] a blocking connector helper may stand in an expression", async () => {
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
