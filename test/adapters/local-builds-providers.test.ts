// Where a build takes providers from, and what it gets of the machine's environment.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildEnvironment } from "../../scripts/compose/build-environment.ts";
import { temporaryFolder } from "../support/folder.ts";
import {
  command,
  hasTerraform,
  planned,
  resource,
  run,
  useInstallations,
} from "../support/terraform-stacks.ts";
import { resultOf } from "../contracts/builds.ts";

const install = useInstallations();

/** A program that is no provider, so that a build that has found it says so when it starts it. */
const PROGRAM = "#!/bin/sh\nexit 1\n";
/** Terraform's hash of a folder with that program alone, under the name below. */
const PROGRAM_HASH = "h1:7vGxV89ZfNQczPf5lN4uoCZqetk4RpiN5zFJIsdqpZU=";
const PLATFORM = `${process.platform}_${process.arch === "x64" ? "amd64" : process.arch}`;

/** A mirror with one provider, as `terraform providers mirror` unpacks it. */
function mirrorOf(host: string): string {
  const folder = temporaryFolder();
  const at = join(folder, host, "acme/nothing/1.2.3", PLATFORM);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "terraform-provider-nothing_v1.2.3"), PROGRAM, { mode: 0o755 });
  return folder;
}

const stackThatUses = (source: string) => ({
  "s/main.tf": `terraform {\n required_providers {\n  nothing = { source = "${source}" }\n }\n}\nprovider "nothing" {}\n${resource("a")}`,
  "s/.terraform.lock.hcl": `provider "${source}" {\n  version = "1.2.3"\n  hashes = ["${PROGRAM_HASH}"]\n}\n`,
});

describe.skipIf(!hasTerraform)("providers", { timeout: 120_000 }, () => {
  const SOURCE = "providers.example.com/acme/nothing";
  const allow = { providers: [SOURCE], provisioners: [], dataSources: [], modules: [] };

  test("come from the mirror, and from nowhere else", async () => {
    const at = install({ providerMirror: mirrorOf("providers.example.com") });
    const found = await run(at, "p1", await at.planSpec(stackThatUses(SOURCE), { allow }));
    // It was installed and started: that it is no provider is the first thing that is wrong.
    expect(found).toMatchObject({ state: "failed", reason: "PLAN_FAILED" });
    expect(JSON.stringify(found)).toContain(`Could not load the schema for provider ${SOURCE}`);

    const empty = install({ providerMirror: temporaryFolder() });
    const missing = await run(empty, "p1", await empty.planSpec(stackThatUses(SOURCE), { allow }));
    expect(missing).toMatchObject({ state: "failed", reason: "INIT_FAILED" });
    expect(JSON.stringify(missing)).toContain(SOURCE);
  });

  test("come from the registry of an allowed provider where there is no mirror", async () => {
    const local = "localhost:1/acme/nothing";
    const at = install();
    const result = await run(
      at,
      "p1",
      await at.planSpec(stackThatUses(local), { allow: { ...allow, providers: [local] } }),
    );
    // Nobody answers there, and that is what it says: it asked.
    expect(result).toMatchObject({ state: "failed", reason: "INIT_FAILED" });
    expect(JSON.stringify(result)).toMatch(/localhost:1.*(?:refused|could not connect|failed)/i);
  });
});

describe.skipIf(!hasTerraform)("variables that are handed through", { timeout: 120_000 }, () => {
  test("reach Terraform, and their values are never shown", async () => {
    const at = install({ environment: { CLOUD_KEY: "canary-cloud-key-77ab" } });
    const files = {
      "s/main.tf": resource(
        "a",
        command('test "$CLOUD_KEY" = canary-cloud-key-77ab && echo "got: $CLOUD_KEY"'),
      ),
    };
    await at.builds.start("apply-1", await planned(at, files));
    expect(await resultOf(at.builds, "apply-1")).toMatchObject({ state: "applied" });
    expect(at.file("apply-1", "log")).toContain("got: (redacted)");
  });

  test("do not reach a build that is not given them", async () => {
    const at = install();
    const files = { "s/main.tf": resource("a", command('test -z "$CLOUD_KEY"')) };
    await at.builds.start("apply-1", await planned(at, files));
    expect(await resultOf(at.builds, "apply-1")).toMatchObject({ state: "applied" });
  });
});

describe("what a person may hand to builds", () => {
  const read = (variables: readonly string[], providerMirror?: string) =>
    buildEnvironment({ variables, providerMirror }, { CLOUD_KEY: "k", EMPTY: "", TF_LOG: "trace" });

  test("is each variable by its name, and a mirror by its absolute path", () => {
    const mirror = temporaryFolder();
    expect(read(["CLOUD_KEY"], mirror)).toEqual({
      providerMirror: mirror,
      environment: { CLOUD_KEY: "k" },
    });
  });

  test.each([
    [["ABSENT"], "there is no such variable"],
    [["EMPTY"], "there is no such variable"],
    [["TF_LOG"], "behind the repository's back"],
    [["PATH"], "builds have their own"],
    [["LD_PRELOAD"], "builds have their own"],
    [["CLOUD_KEY=secret-value"], 'not "CLOUD_KEY" with a value'],
  ])("is refused for %j", (variables, words) => {
    expect(() => read(variables)).toThrow(words);
    expect(() => read(variables)).not.toThrow("secret-value");
  });

  test("is refused for a mirror that is not there", () => {
    expect(() => read([], "/nowhere/mirror")).toThrow("/nowhere/mirror is no folder");
  });
});
