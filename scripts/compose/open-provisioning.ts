// The adapters of the provisioning journey: repositories, checks, builds and what they keep.
import { createBlobs } from "../../shared/adapters/local/blobs.ts";
import { createLocalBuilds } from "../../shared/adapters/local/builds.ts";
import { createLocalChecks } from "../../shared/adapters/local/code-host-checks.ts";
import { requireGit } from "../../shared/adapters/local/code-host-git.ts";
import { createLocalCodeHost } from "../../shared/adapters/local/code-host.ts";
import { systemClock as clock } from "../../shared/adapters/system/clock.ts";
import { rememberedCodeHost } from "../../shared/runtime/remembered-code-host.ts";
import type { BuildEnvironment } from "./build-environment.ts";
import { BUILD_PROGRAM } from "./shipped.ts";
import type { Keys, StateFolder } from "./state-folder.ts";

/** How long Terraform may take to end after it was asked to, in milliseconds. */
const BUILD_GRACE_MS = 10_000;

/** What they are made from. */
export interface ProvisioningOptions {
  readonly state: StateFolder;
  readonly keys: Pick<Keys, "planKey" | "hidden">;
  /** PATH on which Git and Terraform are found. */
  readonly path: string;
  /** What builds get beyond that; default: nothing. */
  readonly builds?: BuildEnvironment | undefined;
}

/** Opens them; refuses a Git that is too old. */
export async function openProvisioning({ state, keys, path, builds }: ProvisioningOptions) {
  await requireGit(path);
  return {
    blobs: createBlobs(state.path("blobs")),
    codeHost: rememberedCodeHost(createLocalCodeHost({ root: state.path("repos"), path })),
    checks: createLocalChecks({ root: state.path("repos") }),
    builds: createLocalBuilds({
      folder: state.path("builds"),
      program: BUILD_PROGRAM,
      settings: {
        repositories: state.path("repos"),
        blobs: state.path("blobs"),
        states: state.path("terraform"),
        path,
        ...builds,
        planKey: keys.planKey,
        secrets: keys.hidden,
        graceMs: BUILD_GRACE_MS,
      },
      clock,
    }),
  };
}
