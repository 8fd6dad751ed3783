// Runs the conformance suite of the workflow engine and prints how many established statements have passing cases, by mark.
//   npm run conformance            run and print
//   npm run conformance -- --page  bring the counts of CONFORMANCE.md up to date, from the files alone
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  countCases,
  countsTable,
  numbersOf,
  PAGE,
  readCases,
  readStatements,
} from "../test/workflows/engine/support/conformance-index.ts";

const ROOT = join(import.meta.dirname, "..");

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

function updatePage(): void {
  const page = readFileSync(PAGE, "utf8");
  const counts = countCases(readCases());
  const rows = page.replaceAll(
    /^(\| (\d\.\d+-\d\d) .*\| )\d+( +\|)$/gm,
    (_, before: string, id: string, after: string) => `${before}${counts.get(id) ?? 0}${after}`,
  );
  const table = countsTable(readStatements(rows), counts);
  writeFileSync(
    PAGE,
    rows.replace(
      /<!-- counts -->.*<!-- \/counts -->/s,
      () => `<!-- counts -->\n\n${table}\n\n<!-- /counts -->`,
    ),
  );
}

function runSuite(): number {
  const folder = mkdtempSync(join(tmpdir(), "conformance-"));
  const output = join(folder, "report.json");
  const suite = ["run", "test/workflows/engine/conformance", "--reporter=json", `--outputFile=${output}`];
  try {
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const { stderr } = spawnSync(process.execPath, [vitest, ...suite], { cwd: ROOT, encoding: "utf8" });
    if (!existsSync(output)) throw new Error(`vitest gave no report: ${stderr}`);
    return judge(JSON.parse(readFileSync(output, "utf8")) as Report);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function judge(report: Report): number {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = results.filter(({ status }) => status !== "passed");
  const passing = countCases(
    results.filter(({ status }) => status === "passed").flatMap(({ title }) => numbersOf(title)),
  );
  const statements = readStatements(readFileSync(PAGE, "utf8"));
  const gaps = statements.filter(({ id }) => !passing.has(id));
  console.log(countsTable(statements, passing));
  for (const { id, text } of gaps) console.log(`no passing case: ${id} ${text}`);
  for (const { title } of failed) console.log(`failed: ${title}`);
  return gaps.length + failed.length === 0 ? 0 : 1;
}

if (process.argv.includes("--page")) updatePage();
else process.exitCode = runSuite();
