// `signalbox workflows test`: cases in virtual time, and what they covered.
import { CommandError, EXIT } from "../exit.ts";
import { type Coverage, loadSuite, runSuite, suitesOf, type SuiteResult } from "./case-suite.ts";
import { withoutControls } from "./source.ts";

/** How a test is asked for. */
export interface TestOptions {
  readonly json: boolean;
  readonly cases?: string;
  readonly only?: string;
  /** In per cent. */
  readonly minCoverage: number;
}

const percent = (share: number): string => `${Math.floor(share * 1_000) / 10} %`;

function formatCoverage({ steps, branches, share, missed }: Coverage): string {
  const lines = missed.map(
    ({ routine, step, line, what }) => `  not met: ${routine}.${step}, line ${line}: ${what}`,
  );
  return [
    `Coverage ${percent(share)}: steps ${steps.met}/${steps.all}, branches ${branches.met}/${branches.all}`,
    ...lines,
  ].join("\n");
}

/** `whole` lists what was not met; when only some cases ran, that says little unless it was asked for. */
function formatResults(file: string, { results, coverage }: SuiteResult, whole: boolean): string {
  const lines = results.flatMap(({ name, mismatches, seconds }) => [
    `${mismatches.length === 0 ? "pass" : "FAIL"}  ${name}${seconds > 0 ? ` (${seconds} s of virtual time)` : ""}`,
    ...mismatches.map((text) => `      ${text.replaceAll("\n", "\n      ")}`),
  ]);
  const covered = whole ? coverage : { ...coverage, missed: [] };
  return withoutControls([file, ...lines, formatCoverage(covered)].join("\n"));
}

const forPrograms = (file: string, { results, coverage }: SuiteResult) => ({
  file,
  cases: results.map(({ name, mismatches, seconds, outcome }) => ({
    name,
    pass: mismatches.length === 0,
    mismatches,
    seconds,
    outcome,
  })),
  coverage,
});

/** Runs the cases of every file and prints them. @throws {CommandError} when one fails, or when too little is covered. */
export async function testFiles(
  paths: readonly string[],
  { json, cases, only = "", minCoverage }: TestOptions,
  write: (text: string) => void,
): Promise<void> {
  const reports: unknown[] = [];
  const problems: string[] = [];
  // With --cases a file of cases is tried on every workflow that is named.
  for (const path of cases === undefined ? suitesOf(paths) : paths) {
    const suite = await runSuite(await loadSuite(path, cases), only);
    const failed = suite.results.filter(({ mismatches }) => mismatches.length > 0).length;
    const { results } = suite;
    if (results.length === 0) problems.push(`${path}: no case is named like ${JSON.stringify(only)}.`);
    if (failed > 0) problems.push(`${path}: ${failed} of ${suite.results.length} cases failed.`);
    if (suite.coverage.share * 100 < minCoverage)
      problems.push(`${path}: coverage is ${percent(suite.coverage.share)}, asked for is ${minCoverage} %.`);
    reports.push(forPrograms(path, suite));
    if (!json) write(`${formatResults(path, suite, only === "" || minCoverage > 0)}\n`);
  }
  if (json) write(`${JSON.stringify(reports, null, 2)}\n`);
  if (problems.length > 0) throw new CommandError(EXIT.refused, problems.join("\n"));
}
