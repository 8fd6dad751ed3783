// The page that tells people how to test their own workflow: what it prints does what it says.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSuite, runSuite } from "../../cli/workflows/case-suite.ts";
import { temporaryFolder } from "../support/folder.ts";

test("the workflow of the engine's page passes the cases beside it, which meet all of it", async () => {
  const page = readFileSync("workflows/engine/README.md", "utf8");
  const [workflow = "", cases = ""] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text);
  const folder = temporaryFolder();
  writeFileSync(join(folder, "ship.yaml"), workflow);
  writeFileSync(join(folder, "ship.cases.yaml"), cases);
  const { results, coverage } = await runSuite(await loadSuite(join(folder, "ship.yaml")));
  expect(results.map(({ name, mismatches }) => [name, ...mismatches])).toEqual([
    ["asks again while the warehouse is closed"],
    ["gives up"],
  ]);
  expect(coverage.missed).toEqual([]);
});
