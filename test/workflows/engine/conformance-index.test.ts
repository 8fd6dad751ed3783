// Every established statement of the language has a case, and the page of them says so truly.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countCases, countsTable, PAGE, readCases, readStatements } from "./support/conformance-index.ts";

const page = readFileSync(PAGE, "utf8");
const statements = readStatements(page);
const cases = readCases();
const counts = countCases(cases);

test("the index was read", () => {
  expect(statements.length).toBeGreaterThan(300);
  expect(cases.length).toBeGreaterThan(statements.length);
  expect(new Set(statements.map(({ id }) => id)).size).toBe(statements.length);
});

test("every established statement has a case", () => {
  expect(statements.filter(({ id }) => !counts.has(id)).map(({ id, text }) => `${id} ${text}`)).toEqual([]);
});

test("every case belongs to a statement and carries its mark", () => {
  const marks = new Map(statements.map(({ id, mark }) => [id, mark]));
  const strays = cases.filter(({ id, mark }) => marks.get(id) !== mark);
  expect(strays.map(({ file, mark, id }) => `${file}: ${mark} ${id}`)).toEqual([]);
});

test("the page counts the cases of each statement and mark as they are", () => {
  const wrong = statements.filter(({ id, cases: said }) => counts.get(id) !== said);
  expect(wrong.map(({ id, cases: said }) => `${id} has ${counts.get(id)} cases, not ${said}`)).toEqual([]);
  expect(page).toContain(countsTable(statements, counts));
});
