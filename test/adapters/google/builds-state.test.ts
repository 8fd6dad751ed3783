import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { backendOf } from "../../../services/provisioner/build/state.ts";
import {
  hasTerraform,
  PLAIN,
  planned,
  resource,
  run,
  useInstallations,
} from "../../support/terraform-stacks.ts";

const install = useInstallations();

test("the state of a stack is in the backend that is configured, under the stack's id", () => {
  const stateBackend = { gcs: { bucket: "states", prefix: "{stack}" } };
  expect(backendOf({ stateBackend }, "web", "/unused")).toEqual({ gcs: { bucket: "states", prefix: "web" } });
  expect(backendOf({}, "web", "/x")).toEqual({ local: { path: "/x" } });
});

describe.skipIf(!hasTerraform)("a state that Terraform alone reads", { timeout: 120_000 }, () => {
  test("has a serial before and after an apply, and a plan of an older one is stale", async () => {
    const folder = mkdtempSync(join(tmpdir(), "signalbox-state-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const at = install({ stateBackend: { local: { path: `${folder}/{stack}.tfstate` } } });
    const apply = await planned(at, PLAIN);
    expect(apply.stateSerial).toBe(-1);
    const applied = await run(at, "apply-web-1", apply);
    expect(applied).toMatchObject({ state: "applied", counts: { create: 1 } });
    const again = await planned(at, { "s/main.tf": resource("a", 'input = "y"') }, "plan-web-2");
    expect(again.stateSerial).toBe(applied.state === "applied" ? applied.stateSerial : undefined);
    expect(await run(at, "apply-web-3", { ...again, stateSerial: 0 })).toMatchObject({
      reason: "STALE_STATE",
    });
  });
});
