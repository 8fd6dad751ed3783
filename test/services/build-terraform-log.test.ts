import { expect, test } from "vitest";
import { createTerraformLog } from "../../services/provisioner/build/terraform-log.ts";

const line = (fields: object) => JSON.stringify({ "@level": "info", "@message": "words", ...fields });
const hook = (addr: string) => ({ hook: { resource: { addr } } });

test("the log knows at every moment what is being changed, and what has failed", () => {
  const seen: (readonly string[])[] = [];
  const log = createTerraformLog("s", (addresses) => seen.push(addresses));
  log.read(line({ type: "apply_start", ...hook("a") }));
  log.read(line({ type: "apply_start", ...hook("b") }));
  log.read(line({ type: "provision_progress", ...hook("b") }));
  log.read(line({ type: "apply_complete", ...hook("a") }));
  log.read(line({ type: "apply_errored", ...hook("b") }));
  expect(seen).toStrictEqual([["a"], ["a", "b"], ["b"], []]);
  expect(log.failed).toStrictEqual(["b"]);
});

test("errors keep their place in the repository, warnings are only shown", () => {
  const log = createTerraformLog("stacks/web", () => undefined);
  const diagnostic = (severity: string) => ({
    type: "diagnostic",
    diagnostic: {
      severity,
      summary: "Sum",
      detail: "One\ntwo",
      range: { filename: "../../modules/m/main.tf", start: { line: 3, column: 5 } },
    },
  });
  expect(log.read(line(diagnostic("error")))).toBe("Error: Sum (modules/m/main.tf:3)\n  One\n  two");
  expect(log.read(line(diagnostic("warning")))).toMatch(/^Warning: Sum/);
  expect(log.errors).toStrictEqual([
    { summary: "Sum", detail: "One\ntwo", place: { path: "modules/m/main.tf", line: 3, column: 5 } },
  ]);
});

test("values of outputs are not shown, and what is not JSON is", () => {
  const log = createTerraformLog("s", () => undefined);
  expect(log.read(line({ type: "outputs", outputs: { x: { value: "v" } } }))).toBeUndefined();
  expect(log.read("plain words")).toBe("plain words");
  expect(log.read(line({ type: "change_summary" }))).toBe("words");
});
