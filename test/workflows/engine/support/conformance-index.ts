// The page of statements and the cases that carry their numbers, read from the files of both.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../../support/source-files.ts";

/** The page of statements. */
export const PAGE = join(ROOT, "workflows/engine/CONFORMANCE.md");
const CASES = join(ROOT, "test/workflows/engine/conformance");

/** The marks of how sure a statement is, from the surest. */
export const MARKS = ["D", "S", "P", "O", "R"] as const;

/** One row of the page. */
export interface Statement {
  readonly id: string;
  readonly mark: string;
  readonly text: string;
  readonly cases: number;
}

const ROW = /^\| (\d\.\d+-\d\d) +\| ([A-Z]) +\| (.*?) +\| (\d+) +\|$/;

/** The statements of the page, in its order. */
export function readStatements(page: string): Statement[] {
  return page.split("\n").flatMap((line) => {
    const [, id, mark, text, cases] = ROW.exec(line) ?? [];
    return id === undefined ? [] : [{ id, mark: mark ?? "", text: text ?? "", cases: Number(cases) }];
  });
}

/** The statement numbers of a case's name, with their marks. */
export function numbersOf(name: string): { mark: string; id: string }[] {
  return Array.from(name.matchAll(/\b([DSPOR]) (\d\.\d+-\d\d)\b/g), ([, mark, id]) => ({
    mark: mark as string,
    id: id as string,
  }));
}

/** The numbers that stand in the files of cases: each stands once for each case, or for a table of them. */
export function readCases(): { file: string; mark: string; id: string }[] {
  const files = readdirSync(CASES, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /\.(test\.ts|yaml)$/.test(file))
    .flatMap((file) =>
      numbersOf(readFileSync(join(CASES, file), "utf8")).map((number) => ({ file, ...number })),
    );
}

/** Cases by statement. */
export function countCases(cases: readonly { readonly id: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of cases) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** The table of counts by mark. */
export function countsTable(statements: readonly Statement[], counts: ReadonlyMap<string, number>): string {
  const rows = MARKS.map((mark) => {
    const marked = statements.filter((statement) => statement.mark === mark);
    const cases = marked.reduce((sum, { id }) => sum + (counts.get(id) ?? 0), 0);
    return [mark, marked.length, marked.filter(({ id }) => counts.has(id)).length, cases] as const;
  });
  const sum = (column: 1 | 2 | 3): number => rows.reduce((total, row) => total + row[column], 0);
  return [
    "| mark | statements | with a case | cases |",
    "|---|---|---|---|",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    `| all | ${sum(1)} | ${sum(2)} | ${sum(3)} |`,
  ].join("\n");
}
