// Counters of logs look for words of the code: whoever changes the words changes the counter.
import { expect, test } from "vitest";
import { readSource, sourceFiles } from "../support/source-files.ts";

test("every counter of logs looks for words that the services write", () => {
  const words = [...readSource("terraform/control-plane/log-metrics.tf").matchAll(/words = "([^"]+)"/g)].map(
    ([, text = ""]) => text,
  );
  expect(words.length).toBeGreaterThanOrEqual(2);
  const code = sourceFiles(".ts")
    .filter((file) => /^(services|shared)\//.test(file))
    .map(readSource);
  expect(words.filter((text) => !code.some((source) => source.includes(text)))).toEqual([]);
});
