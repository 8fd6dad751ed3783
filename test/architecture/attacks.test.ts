// The table of attacks in docs/security.md and the tests that it names say the same. The first test proves that it looked.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readSource, ROOT, sourceFiles } from "../support/source-files.ts";

/** Rows of the attack list that the table goes through, one after the other. */
const ROWS = 85;
const ATTACKS_MIN = 60;

interface Row {
  readonly number: number;
  readonly answer: string;
  readonly tests: readonly (readonly [file: string, title: string])[];
}

const rows: readonly Row[] = [
  ...readSource("docs/security.md").matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm),
].map(([, number, , answer = "", tests = ""]) => ({
  number: Number(number),
  answer,
  tests: [...tests.matchAll(/`(test\/[^`]+)`(?: "([^"]+)")?/g)].map(([, file = "", title = ""]) => [
    file,
    title,
  ]),
}));

const attacks = sourceFiles(".test.ts").filter((file) => file.startsWith("test/attacks/"));

/** Rows that a file's test names speak of: `row 7: …`, `rows 12 and 13: …`. */
const rowsIn = (file: string): readonly number[] =>
  [...readSource(file).matchAll(/["`}]rows? (\d+)(?: and (\d+))?[:"]/g)].flatMap(([, one, other]) =>
    [one, other].flatMap((number) => (number === undefined ? [] : [Number(number)])),
  );

test("the table has every row once, and there are attacks", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: ROWS }, (_, index) => index + 1));
  expect(attacks.length).toBeGreaterThan(5);
  expect(new Set(attacks.flatMap(rowsIn)).size).toBeGreaterThan(ATTACKS_MIN / 2);
});

test("every row names a test, or says why it does not apply here", () => {
  const without = rows.filter(({ tests }) => tests.length === 0);
  expect(without.filter(({ answer }) => !answer.startsWith("not here:"))).toEqual([]);
  expect(rows.length - without.length).toBeGreaterThan(ATTACKS_MIN);
});

test("every test that is named is there", () => {
  const gone = rows.flatMap(({ number, tests }) =>
    tests
      .filter(([file, title]) => !existsSync(join(ROOT, file)) || !readSource(file).includes(title))
      .map(([file, title]) => `row ${number}: ${file} "${title}"`),
  );
  expect(gone).toEqual([]);
});

test("every attack that names a row stands in that row", () => {
  const lost = attacks.flatMap((file) =>
    [...new Set(rowsIn(file))]
      .filter(
        (number) => !rows.some((row) => row.number === number && row.tests.some(([named]) => named === file)),
      )
      .map((number) => `row ${number} does not name ${file}`),
  );
  expect(lost).toEqual([]);
});

describe("row 11: what is secret is compared in constant time", () => {
  const doors = sourceFiles(".ts").filter(
    (file) => /^(shared\/runtime|services)\//.test(file) && !file.endsWith(".test.ts"),
  );

  test("where tokens, signed texts and push tokens are compared", () => {
    const comparing = doors.filter((file) => readSource(file).includes("timingSafeEqual("));
    expect(comparing).toEqual(
      expect.arrayContaining(["shared/runtime/identity.ts", "shared/runtime/signed-text.ts"]),
    );
  });

  test("and nowhere by an operator that stops at the first difference", () => {
    const operator =
      /\b\w*(?:tokenHash|signature|hmac|digestOfSecret|secret|password)\w*\s*[!=]==(?!\s*(?:undefined|null|""))/i;
    const found = doors.filter((file) =>
      operator.test(readSource(file).replaceAll(/\/\/.*$|\/\*[\s\S]*?\*\//gm, "")),
    );
    expect(found).toEqual([]);
  });
});
