import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { fromPlain, type Value } from "../../../workflows/engine/engine.ts";
import { decodeValue, encodeValue } from "../../../workflows/engine/values/codec.ts";
import { decodeJson, encodeJson } from "../../../workflows/engine/values/json.ts";
import { valuesEqual } from "../../../workflows/engine/values/value.ts";
import { evaluateTree, ReferenceError, render, type Tree } from "./support/reference-evaluator.ts";
import { resultText, tagsOf } from "./support/run-workflow.ts";

const literal = fc.oneof(
  fc.bigInt({ min: -20n, max: 20n }),
  fc.constantFrom(0.5, -1.5, 2, 1e15, 0),
  fc.constantFrom("", "a", "b", "é", "10"),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(9223372036854775807n, 4611686018427387904n),
);

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ literal }),
    fc.record({ list: fc.array(tie("tree"), { maxLength: 2 }) }),
    fc.record({ unary: fc.constantFrom("-" as const, "not" as const), operand: tie("tree") }),
    fc.record({
      op: fc.constantFrom(
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "in",
        "and",
        "or",
        "+",
        "+",
      ),
      left: tie("tree"),
      right: tie("tree"),
    }),
  ),
}));

describe("random expressions", () => {
  test("mean the same to the engine and to a second evaluator", async () => {
    let compared = 0;
    let succeeded = 0;
    await fc.assert(
      fc.asyncProperty(tree, async (sample) => {
        const text = render(sample);
        if (text.length > 390) return;
        compared++;
        let expected: unknown;
        try {
          expected = evaluateTree(sample);
        } catch (error) {
          if (!(error instanceof ReferenceError)) throw error;
          expect(JSON.parse(await tagsOf(text)), text).toContain(error.message);
          return;
        }
        succeeded++;
        const result = await resultText(`- r:\n    return: ${JSON.stringify(`\${${text}}`)}\n`);
        expect(result, text).toBe(encodeJson(expected as Value));
      }),
      { numRuns: 1500, seed: 7 },
    );
    expect(compared).toBeGreaterThan(1000);
    expect(succeeded).toBeGreaterThan(200);
  });
});

const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 5 }), tie("value"), { maxKeys: 4 }),
  ),
})).value;

describe("values", () => {
  test("survive JSON and the lossless encoding", () => {
    fc.assert(
      fc.property(plain, (sample) => {
        const value = fromPlain(sample);
        expect(valuesEqual(decodeJson(encodeJson(value)), value)).toBe(true);
        expect(encodeValue(decodeValue(JSON.parse(JSON.stringify(encodeValue(value))) as never))).toEqual(
          encodeValue(value),
        );
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  test("read JSON as the native reader does", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(encodeJson(decodeJson(text)))).toEqual(JSON.parse(text));
      }),
      { numRuns: 500, seed: 4 },
    );
  });
});

const name = fc.constantFrom("a", "b", "c", "longer_name");
const step = fc.oneof(
  fc.record({
    assign: fc.array(
      fc
        .tuple(name, fc.oneof(plain, fc.constantFrom("${1 + 2}", '${len("x") * 3}')))
        .map(([key, value]) => ({ [key]: value })),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  fc.record({ return: plain }),
  fc.record({
    raise: fc.oneof(fc.string({ minLength: 1 }), fc.record({ code: fc.integer(), message: fc.string() })),
  }),
  fc.record({
    switch: fc.tuple(fc.record({ condition: fc.constantFrom(true, false, "${1 < 2}"), return: plain })),
  }),
);

describe("twins", () => {
  test("in YAML and JSON give the same result or the same error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (bodies) => {
        const steps = bodies.map((body, index) => ({ [`step_${index}`]: body }));
        const [yaml, json] = [
          stringify({ main: { steps } }, { aliasDuplicateObjects: false, version: "1.2" }),
          JSON.stringify({ main: { steps } }, null, 2),
        ];
        const attempt = (source: string): Promise<string> =>
          resultText(source).catch((error: Error) => error.message.replaceAll(/test\.yaml:\d+:\d+: /g, ""));
        expect(await attempt(json)).toBe(await attempt(yaml));
      }),
      { numRuns: 150, seed: 5 },
    );
  });
});
