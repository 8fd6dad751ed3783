// The order of the test files of a whole run names files that are there, and keeps none back that could begin.
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

test("they begin first, and those that wait for a server that is being built begin last, of both the longest first", () => {
  const [first = "", second = "", third = ""] = LONGEST;
  const [a, b] = ["test/a.test.ts", "test/b.test.ts"];
  const at = (paths: readonly string[]) => paths.map((path) => join(ROOT, path));
  const given = at([b, a, third, first, second]);
  expect(longestFirst(given, () => false)).toEqual(at([first, second, third, b, a]));
  const waiting = new Set(at([first, third, b]));
  expect(longestFirst(given, (path) => waiting.has(path))).toEqual(at([second, a, first, third, b]));
});

test("a run of all takes that order", () => {
  expect(config.test?.sequence?.sequencer).toBe(Order);
});
