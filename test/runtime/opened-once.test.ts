// What is opened when it is first needed is opened once, and again only after it failed.
import { expect, test } from "vitest";
import { openedOnce } from "../../shared/runtime/opened-once.ts";

test("all callers share one opening", async () => {
  let openings = 0;
  const opened = openedOnce(async () => ++openings);
  expect(openings).toBe(0);
  expect(await Promise.all([opened(), opened()])).toEqual([1, 1]);
  expect(await opened()).toBe(1);
});

test("an opening that failed is told to those who waited, and tried again by the next", async () => {
  let openings = 0;
  const opened = openedOnce(async () => {
    openings += 1;
    if (openings === 1) throw new Error("away");
    return openings;
  });
  await expect(Promise.all([opened(), opened()])).rejects.toThrow("away");
  expect(await opened()).toBe(2);
});
