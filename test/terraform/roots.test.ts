// The project's own Terraform: formatted, valid against the true schema of the provider, and every setting asserted on a mocked plan.
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import {
  copyOfTerraform,
  PROVIDER_MISSING,
  PROVIDER_NOTE,
  readTestReport,
  terraform,
  TERRAFORM_CALL_MAX_MS,
  TERRAFORM_ROOTS,
} from "../support/terraform-roots.ts";

const copy = copyOfTerraform();
afterAll(() => copy.remove());

/** Runs of tests that a root has at least; a root without tests would pass by saying nothing. */
const RUNS_MIN: Readonly<Record<string, number>> = {
  "modules/topology": 3,
  "modules/service": 2,
  "control-plane": 10,
  platform: 3,
};

test("the tests see every root and module", () => {
  expect(TERRAFORM_ROOTS.toSorted()).toEqual(Object.keys(RUNS_MIN).toSorted());
});

describe.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}the Terraform of the project`, () => {
  test("is formatted", { timeout: TERRAFORM_CALL_MAX_MS }, async () => {
    const { stdout, stderr } = await terraform(copy.folder, "fmt", "-check", "-recursive");
    expect(`${stdout}${stderr}`).toBe("");
  });
});

describe.skipIf(PROVIDER_MISSING !== "")(`${PROVIDER_NOTE}against the schema of the provider`, () => {
  test.each(TERRAFORM_ROOTS)(
    "%s is valid and its tests pass",
    { timeout: 3 * TERRAFORM_CALL_MAX_MS },
    async (root) => {
      const folder = join(copy.folder, root);
      expect(await terraform(folder, "init", "-backend=false", "-no-color")).toMatchObject({ code: 0 });
      expect(await terraform(folder, "validate", "-no-color")).toMatchObject({ code: 0 });
      const { runs, problems } = readTestReport((await terraform(folder, "test", "-json")).stdout);
      expect(problems).toEqual([]);
      expect(runs.filter(({ status }) => status !== "pass")).toEqual([]);
      expect(runs.length).toBeGreaterThanOrEqual(RUNS_MIN[root] ?? 1);
    },
  );
});
