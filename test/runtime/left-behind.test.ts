// What is left behind in a request is done before its answer, and holds up nothing before that.
import { expect, test } from "vitest";
import { leaveBehind, withLeftBehind } from "../../shared/runtime/left-behind.ts";

/** Work that ends when it is told to. */
function slow() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: promise, end: () => resolve() };
}

test("the next step does not wait for what is left behind, and the end does", async () => {
  const { work, end } = slow();
  const steps: string[] = [];
  const request = withLeftBehind(async () => {
    await leaveBehind(work.then(() => void steps.push("left behind")));
    steps.push("next step");
    return "answer";
  }).then((answer) => void steps.push(answer));
  await new Promise(setImmediate);
  expect(steps).toEqual(["next step"]);
  end();
  await request;
  expect(steps).toEqual(["next step", "left behind", "answer"]);
});

test("a request that fails waits for what it left behind, and fails then", async () => {
  const { work, end } = slow();
  let isOver = false;
  const request = withLeftBehind(async () => {
    await leaveBehind(work);
    throw new Error("broken");
  }).finally(() => (isOver = true));
  const failed = expect(request).rejects.toThrow("broken");
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  end();
  await failed;
});

test("outside of a request that waits at its end, work is waited for where it is", async () => {
  const { work, end } = slow();
  let isOver = false;
  const left = leaveBehind(work).then(() => (isOver = true));
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  end();
  await left;
});
