// Whether Terraform is on PATH, so that a test that needs it can say aloud that it does not run.
import { spawnSync } from "node:child_process";

/** Whether `terraform` can be run here. */
export const TERRAFORM_MISSING =
  spawnSync("terraform", ["version"], { env: { PATH: process.env["PATH"], CHECKPOINT_DISABLE: "1" } })
    .status !== 0;

/** Goes before the title of every group that needs it. */
export const TERRAFORM_NOTE = TERRAFORM_MISSING ? "[skipped: terraform is not on PATH] " : "";
