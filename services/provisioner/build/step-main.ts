// The build program as a step of Cloud Build: what it needs is in its variables and in the objects of its build, and none of it is secret.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Storage } from "@google-cloud/storage";
import { createBlobs } from "../../../shared/adapters/google/blobs.ts";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import { createCalls } from "../../../shared/adapters/google/calls.ts";
import { createRest } from "../../../shared/adapters/google/rest.ts";
import { systemClock as clock } from "../../../shared/adapters/system/clock.ts";
import { invalidArgument } from "../../../shared/domain/errors.ts";
import { runStep } from "./step.ts";

/** What a step is told beside its own id and that of Cloud Build's. */
const NAMES = [
  "SIGNALBOX_BUILD",
  "BUILD_ID",
  "SIGNALBOX_BUILD_FOLDER",
  "SIGNALBOX_PLANS_BUCKET",
  "SIGNALBOX_STATE_BUCKET",
] as const;
/** Between SIGTERM to Terraform and SIGKILL. */
const STEP_GRACE_MS = 120_000;

// Terraform writes what is secret as its umask says: for nobody but the owner.
process.umask(0o077);

const missing = NAMES.filter((name) => (process.env[name] ?? "") === "");
if (missing.length > 0)
  throw invalidArgument("environment", `The step lacks ${missing.join(", ")}: see docs/deploy.md.`);
const [id = "", build = "", place = "", plans = "", states = ""] = NAMES.map((name) => process.env[name]);
const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.+)$/.exec(place) ?? [];

const storage = new Storage({ retryOptions: { autoRetry: false, maxRetries: 0 } });
const accessToken = async (): Promise<string> => (await storage.authClient.getAccessToken()) ?? "";
const stop = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => stop.abort(new Error("The build was cancelled.")));

const root = await mkdtemp(join(tmpdir(), "signalbox-step-"));
try {
  process.exitCode = await runStep({
    id,
    build,
    objects: createCloudBuildObjects({ bucket: storage.bucket(bucket), prefix, clock }),
    blobs: createBlobs({ rest: createRest({ calls: createCalls({ clock }), accessToken }), bucket: plans }),
    clock,
    settings: {
      blobs: "",
      states: join(root, "states"),
      stateBackend: { gcs: { bucket: states, prefix: "{stack}" } },
      path: process.env["PATH"] ?? "",
      secrets: [],
      graceMs: STEP_GRACE_MS,
      ...(process.env["SIGNALBOX_PROVIDER_MIRROR"] === undefined
        ? {}
        : { providerMirror: process.env["SIGNALBOX_PROVIDER_MIRROR"] }),
    },
    folder: join(root, "step"),
    stop: stop.signal,
    elapsedMs: () => performance.now(),
  });
} finally {
  await rm(root, { recursive: true, force: true });
}
