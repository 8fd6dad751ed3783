// What the image's entrypoint is in tests: the real step, real Terraform and real objects over HTTP; repositories, blobs and states are
// folders of this machine. node build-step.ts build
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Storage } from "@google-cloud/storage";
import { createCloudBuildObjects } from "../../../shared/adapters/google/builds-objects.ts";
import { createBlobs } from "../../../shared/adapters/local/blobs.ts";
import type { BuildSettings } from "../../../shared/adapters/local/builds-folder.ts";
import { systemClock } from "../../../shared/adapters/system/clock.ts";
import { runStep } from "../../../services/provisioner/build/step.ts";
import { testSignIn } from "./rest-front.ts";

process.umask(0o077);
const env = process.env as Readonly<Record<string, string>>;
const settings = JSON.parse(env["TEST_SETTINGS"] ?? "{}") as BuildSettings;
const [, , bucket = "", prefix = ""] =
  /^gs:\/\/(([^/]+)\/(.+))$/.exec(env["SIGNALBOX_BUILD_FOLDER"] ?? "") ?? [];
const storage = new Storage({
  apiEndpoint: env["TEST_STORAGE"] ?? "",
  projectId: "p",
  authClient: testSignIn() as never,
  retryOptions: { autoRetry: false, maxRetries: 0 },
});
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort(new Error("The build was cancelled.")));
const root = mkdtempSync(join(tmpdir(), "signalbox-step-"));
try {
  process.exitCode = await runStep({
    id: env["SIGNALBOX_BUILD"] ?? "",
    build: env["BUILD_ID"] ?? "",
    objects: createCloudBuildObjects({ bucket: storage.bucket(bucket), prefix, clock: systemClock }),
    blobs: createBlobs(settings.blobs),
    clock: systemClock,
    settings,
    folder: join(root, "step"),
    stop: stop.signal,
    elapsedMs: () => performance.now(),
    mirrorMs: 50,
  });
} finally {
  rmSync(root, { recursive: true, force: true });
}
