// Habits that a reviewer would otherwise have to remember. The first test proves that it looked.
import { expect, test } from "vitest";
import { readSource, sourceFiles } from "../support/source-files.ts";

const LINES_MAX = 300;
const MEDIAN_LINES_MAX = 90;
const sources = sourceFiles(".ts").filter((path) => !path.endsWith(".test.ts"));
const pure = sources.filter(
  (path) =>
    /^(shared\/(domain|runtime)|services|workflows\/engine)\//.test(path) && !path.endsWith("main.ts"),
);

/** The code of a file without comments, so that prose may mention what code may not do. */
const code = (path: string): string => readSource(path).replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");

test("the tidy test sees the tree", () => {
  expect(sources.length).toBeGreaterThan(100);
  expect(pure.length).toBeGreaterThan(60);
});

test("no source file is longer than 300 lines, and half of them are short", () => {
  const lengths = sources.map((path) => ({ path, lines: readSource(path).split("\n").length - 1 }));
  expect(lengths.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  const product = lengths
    .filter(({ path }) => !path.startsWith("test/"))
    .map(({ lines }) => lines)
    .toSorted((a, b) => a - b);
  expect(product[Math.floor(product.length / 2)]).toBeLessThanOrEqual(MEDIAN_LINES_MAX);
});

test("the clock, chance and the environment are read only at the edges", () => {
  const violations = pure.filter(
    (path) =>
      /\b(Date\.now|new Date\(\)|Math\.random|randomUUID|process\.env)\b/.test(code(path)) &&
      path !== "shared/runtime/config.ts" &&
      !path.startsWith("services/provisioner/build/"),
  );
  expect(violations).toEqual([]);
});

test("no file is named for what it is not", () => {
  const names = sources.filter((path) =>
    /(^|\/)(utils?|helpers?|common|manager|types|index|misc)\.ts$/.test(path),
  );
  expect(names).toEqual([]);
});

test("no file uses any, an enum or a default export", () => {
  const violations = sources.filter(
    (path) =>
      path !== "vitest.config.ts" &&
      /(:\s*any\b|<any>|\bas any\b|^export default|^\s*(export\s+)?(const\s+)?enum\s)/m.test(code(path)),
  );
  expect(violations).toEqual([]);
});

test("no test is switched off or alone", () => {
  const tests = sourceFiles(".test.ts");
  expect(tests.length).toBeGreaterThan(20);
  expect(tests.filter((path) => /\b(it|test|describe)\.(only|todo|skip)\(/.test(code(path)))).toEqual([]);
});

test("the lockfile names no registry and the tree names no machine", () => {
  expect(readSource("package-lock.json")).not.toMatch(/"resolved":\s*"http/);
});
