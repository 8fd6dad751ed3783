// The build program as a step of Cloud Build: what it needs is in its variables and in the objects of its build, and none of it is secret.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Type } from "typebox";
import { createBlobs } from "../../../shared/adapters/google/blobs.ts";
import { openBuildObjects } from "../../../shared/adapters/google/builds-objects-open.ts";
import { openRest } from "../../../shared/adapters/google/rest-open.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { declare } from "../../../shared/runtime/config.ts";
import { runStep } from "./step.ts";
import { STEP_VARIABLES } from "./step-variables.ts";

/** Between SIGTERM to Terraform and SIGKILL. */
const STEP_GRACE_MS = 120_000;

// Terraform writes what is secret as its umask says: for nobody but the owner.
process.umask(0o077);

const config = declare(
  Type.Object({
    ...STEP_VARIABLES,
    BUILD_ID: Type.String({ description: "set it to Cloud Build's id of the build." }),
    SIGNALBOX_PLANS_BUCKET: Type.String({ description: "set it to the bucket of plans." }),
    SIGNALBOX_STATE_BUCKET: Type.String({ description: "set it to the bucket of states." }),
    SIGNALBOX_PROVIDER_MIRROR: Type.Optional(
      Type.String({ description: "set it to a folder of providers, or leave it out." }),
    ),
    PATH: Type.String({ description: "set it so that terraform is found." }),
  }),
)(process.env);

const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => stop.abort(new Error("The build was cancelled.")));

const root = await mkdtemp(join(tmpdir(), "signalbox-step-"));
const mirror = config.SIGNALBOX_PROVIDER_MIRROR;
try {
  process.exitCode = await runStep({
    id: config.SIGNALBOX_BUILD,
    build: config.BUILD_ID,
    objects: openBuildObjects(config.SIGNALBOX_BUILD_FOLDER, { clock }),
    blobs: createBlobs({ rest: openRest(clock), bucket: config.SIGNALBOX_PLANS_BUCKET }),
    clock,
    settings: {
      blobs: "",
      states: join(root, "states"),
      stateBackend: { gcs: { bucket: config.SIGNALBOX_STATE_BUCKET, prefix: "{stack}" } },
      path: config.PATH,
      secrets: [],
      graceMs: STEP_GRACE_MS,
      ...(mirror === undefined ? {} : { providerMirror: mirror }),
    },
    folder: join(root, "step"),
    stop: stop.signal,
    elapsedMs: () => performance.now(),
  });
} finally {
  await rm(root, { recursive: true, force: true });
}
