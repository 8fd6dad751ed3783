// Tests whose files share a process leave it as it was: else one would pass or fail by what ran before it.
import { expect, test } from "vitest";
import { SHARING_FOLDERS } from "../support/order.ts";
import { importsOf, readSource, sourceFiles } from "../support/source-files.ts";

const FILES_MIN = 200;
/** What is there for every file of a process, and has no keeper who puts it back. `vi.stubEnv` has one. */
const CHANGES =
  /\bprocess\.env\[[^\]]+\]\s*(\?\?)?=(?!=)|\bdelete process\.env|(?<!["'`])\bprocess\.(chdir|on|once|umask)\(|\bvi\.(mock|doMock|useFakeTimers|stubGlobal)\(|\bsetGlobalDispatcher\(|\bglobalThis\.\w+\s*=(?!=)/;

/** The files, and what of `test/` they import. */
function reached(files: readonly string[]): readonly string[] {
  const found = new Set(files);
  for (const path of found)
    for (const { to, typeOnly } of importsOf(path))
      if (!typeOnly && to.startsWith("test/") && to.endsWith(".ts")) found.add(to);
  return [...found];
}

const tests = sourceFiles(".test.ts").filter((path) =>
  SHARING_FOLDERS.some((folder) => path.startsWith(`test/${folder}/`)),
);

test("the test of sharing sees the tests, and what they import", () => {
  expect(tests.length).toBeGreaterThan(FILES_MIN);
  expect(reached(tests)).toContain("test/support/folder.ts");
  for (const change of ['process.env["A"] = "b"', 'process.env["A"] ??= "b"', 'process.on("exit", f)'])
    expect(change).toMatch(CHANGES);
  expect('process.env["A"] === "b"').not.toMatch(CHANGES);
});

test("no file that shares a process changes what belongs to all of it", () => {
  const itself = "test/architecture/sharing.test.ts";
  expect(reached(tests).filter((path) => path !== itself && CHANGES.test(readSource(path)))).toEqual([]);
});
