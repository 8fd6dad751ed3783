// The cases that are written as workflows: each file in cases/ holds some, laid out by section.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "vitest";
import { checkCase, readCaseFile } from "../support/case-runner.ts";

const FOLDER = join(import.meta.dirname, "cases");

for (const file of readdirSync(FOLDER).toSorted()) {
  describe(file.replace(".yaml", ""), () => {
    const cases = readCaseFile(join(FOLDER, file)).map((entry) => [entry.case, entry] as const);
    test.each(cases)("%s", (_, entry) => checkCase(entry, file));
  });
}
