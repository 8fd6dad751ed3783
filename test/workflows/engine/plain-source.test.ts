// The fast reader against the yaml package: whatever it reads, it reads the same, with the same positions; the rest it leaves alone.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readPlainSource } from "../../../workflows/engine/parse/plain-source.ts";
import { createProblemList } from "../../../workflows/engine/parse/problem.ts";
import { readYaml } from "../../../workflows/engine/parse/yaml-source.ts";

const FOLDERS = ["workflows", "examples/workflows"];
const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.(yaml|json)$/.test(name))
    .map((name) => join(folder, name)),
);
const TEXTS = FILES.map((file) => readFileSync(file, "utf8"));

/** Whether the fast reader takes a text; then the whole reader must say the same and see nothing wrong. */
function isReadTheSame(text: string): boolean {
  const plain = readPlainSource(text);
  if (plain === undefined) return false;
  const list = createProblemList("test.yaml");
  expect(plain, JSON.stringify(text)).toEqual(readYaml(text, list));
  expect(list.problems, JSON.stringify(text)).toEqual([]);
  return true;
}

const SMALL = [
  "a: 1\nb:\n  - c\n  - d: e\n    f: [1, 2]\n",
  "- a:\n    b: c\n- d\n",
  "steps:\n- a: b\n  c:\n  - d\nnext: e\n",
  '{"a": [1, "b", {"c": null}],\n "d": 1.5}\n',
  "a: 'x' # c\n# d\nb: \"y\"\n\n",
  "- - a\n  - b\n- c: {d: [e, f: g]}\n",
];

/** What may be put into a text: everything that YAML gives a meaning to, and what workflows are made of. Parts stand between `¦`. */
const PIECES = [
  " ¦  ¦\n¦\n\n¦\n  ¦\n    ¦\t¦\r\n¦- ¦-¦: ¦:¦? ¦, ¦#¦ # c¦# c\n¦  # c\n",
  "'¦\"¦[¦]¦{¦}¦&x ¦*x¦!t ¦|¦|\n¦> ¦%¦@¦`¦--- ¦...¦<<: ¦\\¦\\n",
  "a¦é¦😀¦\u2028¦\ufeff¦1¦+1¦-a¦.5¦1.5¦1e3¦0x1f¦0o7¦.inf¦12345678901234567890",
  '~¦null¦true¦yes¦${x}¦${"a" + b}¦[1, 9]¦{a: b}¦[a: b]¦k: v\n¦- x\n¦\'it\'\'s\'¦"q\\""',
].flatMap((line) => line.split("¦"));

const changes = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat({ max: 4 }),
    piece: fc.constantFrom("", ...PIECES),
  }),
  { minLength: 1, maxLength: 5 },
);

/** A text of ours, or some lines of one. */
const base = fc.oneof(
  fc.constantFrom(...SMALL),
  fc
    .tuple(fc.constantFrom(...TEXTS), fc.nat({ max: 200 }), fc.integer({ min: 1, max: 12 }))
    .map(([text, from, count]) => {
      const lines = text.split("\n");
      const first = from % lines.length;
      return `${lines.slice(first, first + count).join("\n")}\n`;
    }),
);

describe("the fast reader of plain files", () => {
  test.each(FILES.filter((file) => !file.includes(".cases.")))(
    "takes %s, which is written plainly",
    (file) => {
      expect(isReadTheSame(readFileSync(file, "utf8"))).toBe(true);
    },
  );

  test("reads changed texts like the whole reader, or not at all", () => {
    let taken = 0;
    fc.assert(
      fc.property(base, changes, (text, list) => {
        const changed = list.reduce((before, { at, remove, piece }) => {
          const index = Math.floor(at * before.length);
          return before.slice(0, index) + piece + before.slice(index + remove);
        }, text);
        if (isReadTheSame(changed)) taken++;
      }),
      { numRuns: 3_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  test("reads texts of pieces like the whole reader, or not at all", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }), (pieces) => {
        isReadTheSame(pieces.join(""));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    "1",
    "-1",
    "1.0",
    "1e3",
    ".5",
    "~",
    "True",
    "yes",
    "'it''s'",
    String.raw`"\u00e9\n"`,
    "a:b",
    "10:30",
  ])("reads the value %s", (value) => expect(isReadTheSame(`a: ${value}\n`)).toBe(true));

  test.each(
    [
      "¦a¦a:\n¦a: b: c\n¦a: 1\na: 2\n¦{a: 1, a: 2}\n¦- a\n b\n¦a: [1,\n2]\n¦a: |\n  b\n¦a: &x 1\n¦a: *x\n¦a: !t 1\n",
      '--- a\n¦a: b\n  c\n¦a:\tb\n¦a: b\r\n¦"a\n  b": c\n¦a: \'b\n¦? a\n¦1: a\n',
    ].flatMap((line) => line.split("¦")),
  )("leaves %j to the whole reader: a mistake, or more than it knows", (text) =>
    expect(readPlainSource(text)).toBeUndefined(),
  );

  test("bounds its depth, and ends on hostile text", () => {
    expect(readPlainSource(`${"[".repeat(10_000)}${"]".repeat(10_000)}`)).toBeUndefined();
    expect(readPlainSource(`${"- ".repeat(10_000)}a`)).toBeUndefined();
    expect(readPlainSource(`a: ${"'".repeat(60_000)}`)).toBeDefined();
  });
});
