// The order of the test files of a whole run names files that are there, and lets them begin first.
import { join } from "node:path";
import { expect, test } from "vitest";
import { longestFirst, LONGEST, Order } from "../support/order.ts";
import { ROOT, sourceFiles } from "../support/source-files.ts";
import config from "../../vitest.config.ts";

const files = sourceFiles(".test.ts").filter((path) => path.startsWith("test/"));

test("the files that take longest are there, and each is named once", () => {
  expect(LONGEST.length).toBeGreaterThan(20);
  expect(LONGEST.filter((path) => !files.includes(path))).toEqual([]);
  expect(new Set(LONGEST).size).toBe(LONGEST.length);
});

test("they begin first, the longest before the others", () => {
  const [first = "", second = "", third = ""] = LONGEST;
  const at = (paths: readonly string[]) => paths.map((path) => join(ROOT, path));
  const given = at(["test/b.test.ts", "test/a.test.ts", third, first, second]);
  expect(longestFirst(given)).toEqual(at([first, second, third, "test/b.test.ts", "test/a.test.ts"]));
});

test("a run of all takes that order", () => {
  expect(config.test?.sequence?.sequencer).toBe(Order);
});
