// The cases beside the shipped workflows pass, and together they meet every step and branch.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { caseFileOf, isCaseFile } from "../../cli/workflows/case-file.ts";
import { loadSuite, runSuite } from "../../cli/workflows/case-suite.ts";
import { ROOT } from "../support/source-files.ts";

const FOLDERS = ["workflows", "examples/workflows"];

const workflowFiles = (): readonly string[] =>
  FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => /\.(yaml|json)$/.test(name) && !isCaseFile(name))
      .map((name) => join(folder, name)),
  );

test("the workflows that are shipped are found", () => {
  expect(workflowFiles()).toEqual(
    expect.arrayContaining(["workflows/canary.yaml", "workflows/data-run.yaml"]),
  );
});

test.each(workflowFiles())("%s passes its cases, which meet every step and branch", async (file) => {
  const path = join(ROOT, file);
  const { results, coverage } = await runSuite(await loadSuite(path, caseFileOf(path)));
  expect(results.length).toBeGreaterThan(0);
  expect(results.flatMap(({ name, mismatches }) => mismatches.map((text) => `${name}: ${text}`))).toEqual([]);
  expect(
    coverage.missed.map(({ routine, step, line, what }) => `${routine}.${step}, line ${line}: ${what}`),
  ).toEqual([]);
  expect(coverage.share).toBe(1);
});
