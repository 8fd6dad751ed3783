// The project's own Terraform: formatted, valid against the true schema of the provider, and every setting asserted on a mocked plan.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readSource } from "../support/source-files.ts";
import { TERRAFORM_MISSING, TERRAFORM_NOTE } from "../support/terraform-found.ts";
import {
  copyOfTerraform,
  PLANNED_TESTS,
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
  "modules/topology": 11,
  "modules/service": 5,
  "control-plane": 8,
  platform: 3,
};

/** The files of a root's tests, but for those that the tests of the plan run. */
const testFiles = (root: string): readonly string[] =>
  readdirSync(join(copy.folder, root, "tests"))
    .filter((name) => name.endsWith(".tftest.hcl"))
    .map((name) => `tests/${name}`)
    .filter((file) => root !== PLANNED_TESTS.root || file !== PLANNED_TESTS.file);

test("the tests see every root and module", () => {
  expect(TERRAFORM_ROOTS.toSorted()).toEqual(Object.keys(RUNS_MIN).toSorted());
});

describe.skipIf(TERRAFORM_MISSING)(`${TERRAFORM_NOTE}the Terraform of the project`, () => {
  test("is formatted", { timeout: TERRAFORM_CALL_MAX_MS }, async () => {
    const { stdout, stderr } = await terraform(copy.folder, "fmt", "-check", "-recursive");
    expect(`${stdout}${stderr}`).toBe("");
  });
});

test("what holds messages or keys is destroyed by no plan", () => {
  const kept = ["subscriptions.tf", "signing.tf"].flatMap((file) =>
    [
      ...readSource(`terraform/control-plane/${file}`).matchAll(
        /^resource "(\w+)" "(\w+)" {\n((?:(?!^})[\s\S])*?)prevent_destroy = true/gm,
      ),
    ].map(([, type = "", name = ""]) => `${type}.${name}`),
  );
  expect(kept).toEqual(["google_pubsub_subscription.push", "google_kms_crypto_key.images"]);
});

describe.skipIf(PROVIDER_MISSING !== "")(`${PROVIDER_NOTE}against the schema of the provider`, () => {
  test.each(TERRAFORM_ROOTS)(
    "%s is valid and its tests pass",
    { timeout: 3 * TERRAFORM_CALL_MAX_MS },
    async (root) => {
      const folder = join(copy.folder, root);
      expect(await terraform(folder, "init", "-backend=false", "-no-color")).toMatchObject({ code: 0 });
      expect(await terraform(folder, "validate", "-no-color")).toMatchObject({ code: 0 });
      const words = ["test", "-json", ...testFiles(root).map((file) => `-filter=${file}`)];
      const { runs, problems } = readTestReport((await terraform(folder, ...words)).stdout);
      expect(problems).toEqual([]);
      expect(runs.filter(({ status }) => status !== "pass")).toEqual([]);
      expect(runs.length).toBeGreaterThanOrEqual(RUNS_MIN[root] ?? 1);
    },
  );
});
