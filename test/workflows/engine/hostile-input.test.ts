import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compile } from "../../../workflows/engine/engine.ts";
import { parseExpression } from "../../../workflows/engine/expressions/grammar.ts";
import { ExpressionSyntaxError } from "../../../workflows/engine/expressions/tokens.ts";
import { BUSY_WORKFLOW } from "./support/busy-workflow.ts";
import { resultText, tagsOf } from "./support/run-workflow.ts";

/**
 * Processor time, which a busy machine does not stretch, far above what the worst input takes: growth that is not linear, or a
 * loop without end, still fails.
 */
const PROCESSOR_MS_MAX = 10_000;

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Compiles within the time allowed; answers the rules of the problems. */
function compiles(source: string): string[] {
  const began = processorMs();
  const compiled = compile(source, { file: "hostile.yaml" });
  expect(processorMs() - began).toBeLessThan(PROCESSOR_MS_MAX);
  if (!compiled.ok) expect(compiled.problems.length).toBeGreaterThan(0);
  return compiled.ok ? [] : compiled.problems.map(({ rule }) => rule);
}

describe("the parser", () => {
  test("answers any text with a program or problems", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.json()),
        (text) => void compiles(text),
      ),
      { numRuns: 400, seed: 1 },
    );
  });

  test("answers any damage to a real workflow with a program or problems", () => {
    const lines = BUSY_WORKFLOW.split("\n");
    fc.assert(
      fc.property(
        fc.nat(lines.length),
        fc.nat(30),
        fc.nat(5),
        fc.string({ maxLength: 6 }),
        (line, column, removed, added) => {
          const hurt = [...lines];
          const text = hurt[line] ?? "";
          hurt[line] = text.slice(0, column) + added + text.slice(column + removed);
          compiles(hurt.join("\n"));
        },
      ),
      { numRuns: 300, seed: 2 },
    );
  });

  test.each([
    ["flow nesting", "[".repeat(60_000)],
    ["closed flow nesting", `- a:\n    return: ${"[".repeat(20_000)}${"]".repeat(20_000)}\n`],
    ["maps in maps", `- a:\n    return: ${"{a: ".repeat(20_000)}1${"}".repeat(20_000)}\n`],
    ["sequences on one line", `${"- ".repeat(60_000)}a\n`],
    ["complex keys", `${"? ".repeat(60_000)}a\n`],
    ["an endless anchor chain", "&a ".repeat(30_000)],
    ["deep indentation", Array.from({ length: 450 }, (_, i) => `${" ".repeat(i)}k:`).join("\n")],
    ["one long line", "a".repeat(131_000)],
    ["colons", ":".repeat(100_000)],
    ["quotes", '"'.repeat(100_001)],
    ["many documents", "---\n".repeat(30_000)],
    ["tabs", "\t".repeat(100_000)],
  ])("refuses %s in good time", (_, source) => {
    expect(compiles(source).length).toBeGreaterThan(0);
  });

  test("expands aliases only so far", () => {
    const bomb = `- a:\n    assign:\n      - l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, i) => `      - l${i + 1}: &l${i + 1} [${Array.from({ length: 10 }, () => `*l${i}`).join(", ")}]\n`).join("")}`;
    expect(compiles(bomb)).toContain("source-nodes");
  });

  test("refuses an alias inside its own anchor", () =>
    expect(compiles("- a: &x\n    return: *x\n")).toContain("alias"));

  test.each([
    ["numbers", `- a:\n    return: ${"9".repeat(120_000)}\n`],
    ["fractions", `- a:\n    return: 0.${"9".repeat(120_000)}\n`],
    ["escapes", `- a:\n    return: "${"\\u0041".repeat(20_000)}"\n`],
    ["expressions in one text", `- a:\n    return: ${"${x}".repeat(30_000)}\n`],
    ["expressions in one list", `- a:\n    return: [${"'${1}', ".repeat(15_000)}]\n`],
    ["folded lines of one expression", `- a:\n    return: \${1\n${"      + 1\n".repeat(12_000)}      }\n`],
    [
      "steps",
      "- a:\n    assign: [{x: 1}]\n".replace("a", "a0") +
        Array.from({ length: 3000 }, (_, i) => `- b${i}:\n    next: a0\n`).join(""),
    ],
    [
      "subworkflows that call each other",
      `main:\n  steps:\n    - a:\n        call: s0\n${Array.from({ length: 1500 }, (_, i) => `s${i}:\n  steps:\n    - a:\n        call: s${(i + 1) % 1500}\n`).join("")}`,
    ],
    [
      "parameters",
      `main:\n  steps:\n    - a:\n        call: s\n        args: {${Array.from({ length: 8000 }, (_, i) => `p${i}: 1`).join(", ")}}\ns:\n  steps:\n    - a:\n        return: 1\n`,
    ],
    [
      "anchors",
      `- a:\n    assign:\n      - x: [${Array.from({ length: 8000 }, (_, i) => `&a${i} ${i}`).join(", ")}]\n`,
    ],
  ])("bears very many %s", (_, source) => void compiles(source));

  test("treats __proto__ and constructor as names like others", async () => {
    expect(
      await resultText(
        '- a:\n    assign: [{m: {__proto__: 1, constructor: 2}}]\n- r:\n    return: ["${m.__proto__}", "${m.constructor}", "${map.get(m, \\"toString\\")}"]\n',
      ),
    ).toBe("[1,2,null]");
    expect(compiles("- a:\n    return: ${constructor}\n")).toEqual(["unknown-variable"]);
    expect(compiles("- a:\n    return: ${toString()}\n")).toEqual(["unknown-function"]);
    expect(compiles("- a:\n    call: constructor\n")).toEqual(["unknown-function"]);
    expect(compiles("- a:\n    __proto__: 1\n")).toContain("unknown-key");
  });
});

const TOKENS = [
  "(",
  ")",
  "[",
  "]",
  ".",
  ",",
  "+",
  "-",
  "*",
  "/",
  "//",
  "%",
  "<",
  "<=",
  "==",
  "!=",
  " in ",
  " and ",
  " or ",
  "not ",
  "NOT ",
  "And ",
  "x",
  "f",
  "1",
  "1.5",
  "1e9",
  '"s"',
  "'t'",
  "null",
  "True",
  "${",
  "}",
  "{",
  " ",
  "\n",
  "\\",
  "é",
  "😀",
  "?",
  ":",
  "=",
];

describe("the grammar of expressions", () => {
  test("answers any sequence of tokens with a tree or a syntax error inside the text", () => {
    let parsed = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TOKENS), { maxLength: 40 }), (tokens) => {
        const text = tokens.join("");
        try {
          parseExpression(text);
          parsed++;
        } catch (error) {
          if (!(error instanceof ExpressionSyntaxError)) throw error;
          expect(error.at).toBeGreaterThanOrEqual(0);
          expect(error.at).toBeLessThanOrEqual(text.length);
          expect(error.hint).not.toBe("");
        }
      }),
      { numRuns: 3000, seed: 6 },
    );
    expect(parsed).toBeGreaterThan(50);
  });

  test.each(["(", "[", "-", "not ", "x[", "f("])("bears 400 characters of %s", (token) => {
    expect(() => parseExpression(token.repeat(400 / token.length))).toThrow(ExpressionSyntaxError);
    expect(() => parseExpression(token.repeat(100_000))).toThrow("at most 400");
  });
});

describe("a running workflow", () => {
  test.each([
    "^(a+)+$",
    "(a|aa)+$",
    "(.*)*(.*)*(.*)*b",
    "(a*)*b",
    "((a{1,10}){1,10}){1,9}b",
    "(x+x+)+y",
    "([a-z]+)*\\\\d",
  ])("matches the hostile pattern %s in linear time", async (pattern) => {
    const began = processorMs();
    expect(
      await tagsOf(`text.match_regex(s + s + s + s + "!", "${pattern}")`, [`s: ${"a".repeat(5000)}`]),
    ).toBe('"no error"');
    expect(processorMs() - began).toBeLessThan(PROCESSOR_MS_MAX);
  });

  test("refuses patterns that would grow beyond bounds, or ends them", async () => {
    const began = processorMs();
    for (const pattern of [
      "((((a{1,100}){1,100}){1,100}){1,100})",
      "a{1,100000}",
      "(".repeat(3000),
      "[".repeat(3000),
    ])
      expect(await tagsOf('text.match_regex("a", p)', [`p: ${JSON.stringify(pattern)}`])).toBe(
        '["ValueError"]',
      );
    expect(processorMs() - began).toBeLessThan(PROCESSOR_MS_MAX);
  });

  test("cannot grow a string without end by replacing", async () => {
    const variables = [`s: ${"a".repeat(20_000)}`];
    expect(
      await resultText(
        `- i:\n    assign: [{${variables[0]}}]\n- r:\n    return: \${len(text.replace_all(s, "a", s))}\n`,
      ),
    ).toContain("ResourceLimitError");
    expect(
      await resultText(
        `- i:\n    assign: [{${variables[0]}}]\n- r:\n    return: \${len(text.replace_all_regex(s, "a", s))}\n`,
      ),
    ).toContain("ResourceLimitError");
  });

  test("ends with a limit, not a crash, when a value nests ever deeper", async () => {
    const result = await resultText(
      "- i:\n    assign: [{l: []}]\n- f:\n    for: {value: v, range: [1, 60000], steps: [{a: {assign: [{l: ['${l}']}]}}]}\n- r:\n    return: ${l}\n",
    );
    expect(result).toContain("ResourceLimitError");
  });

  test("decodes JSON only so deep", async () => {
    expect(await tagsOf("json.decode(s)", [`s: "${"[".repeat(50_000)}"`])).toBe('["ValueError"]');
  });

  test("ends a loop without end at the limit of steps", async () => {
    expect(await resultText("- a:\n    next: a\n")).toContain("ResourceLimitError");
    expect(
      await resultText(
        "- f:\n    for: {value: v, range: [1, 9000000000000000000], steps: [{a: {next: continue}}]}\n",
      ),
    ).toContain("ResourceLimitError");
    expect(
      await resultText(
        "- p:\n    parallel: {for: {value: v, range: [1, 9000000000000000000], steps: [{a: {next: continue}}]}}\n",
      ),
    ).toContain("ResourceLimitError");
  });

  test("refuses an argument that is not JSON with an error of the workflow", async () => {
    const { execute, createMemoryJournal, createScriptedDriver, createVirtualClock } =
      await import("../../../workflows/engine/engine.ts");
    const compiled = compile("main:\n  params: [a]\n  steps:\n    - r:\n        return: ${a}\n", {
      file: "f.yaml",
    });
    if (!compiled.ok) throw new Error("the workflow compiles");
    const outcome = await execute(compiled.program, {
      argument: "{oops",
      seed: "s",
      journal: createMemoryJournal(),
      clock: createVirtualClock(),
      perform: createScriptedDriver().perform,
    });
    expect(outcome).toMatchObject({
      state: "FAILED",
      error: { payload: expect.stringContaining("ValueError") as string },
    });
  });
});
