// Passes that many ask for: one at a time, and nobody's news is missed.
import { expect, test } from "vitest";
import { coalesced } from "../../shared/runtime/coalesce.ts";

/** Passes that the test ends one by one. */
function passes() {
  const begun: { end(): void; fail(error: Error): void }[] = [];
  const ask = coalesced(() => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    begun.push({ end: resolve, fail: reject });
    return promise;
  });
  return { begun, ask };
}

test("whoever asks during a pass shares the next one, which begins when that has ended", async () => {
  const { begun, ask } = passes();
  const first = ask();
  const [second, third] = [ask(), ask()];
  expect(begun).toHaveLength(1);
  begun[0]?.end();
  await first;
  expect(begun).toHaveLength(2);
  let isDone = false;
  void second.then(() => (isDone = true));
  await Promise.resolve();
  expect(isDone).toBe(false);
  begun[1]?.end();
  await Promise.all([second, third]);
  expect(begun).toHaveLength(2);
  const fourth = ask();
  expect(begun).toHaveLength(3);
  begun[2]?.end();
  await fourth;
});

test("a pass that fails fails for those who asked for it, and the next one runs", async () => {
  const { begun, ask } = passes();
  const first = ask();
  const second = ask();
  begun[0]?.fail(new Error("lost"));
  await expect(first).rejects.toThrow("lost");
  begun[1]?.end();
  await expect(second).resolves.toBeUndefined();
});

test("however many ask, one pass runs and one waits", async () => {
  let [running, most, ran] = [0, 0, 0];
  const ask = coalesced(async () => {
    running += 1;
    ran += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  });
  await Promise.all(Array.from({ length: 1_000 }, ask));
  expect([most, ran]).toEqual([1, 2]);
});
