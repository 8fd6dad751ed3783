// The build program: reads an order from standard input, takes the fence, works, and writes the result last.
// Exit codes: 0 a result is written (also that of a failure), 75 another program has this build, 1 anything else.
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createBlobs } from "../../../shared/adapters/local/blobs.ts";
import {
  BUILD_FILES,
  type BuildFence,
  type BuildOrder,
  createOnce,
  DUPLICATE_EXIT_CODE,
} from "../../../shared/adapters/local/builds-folder.ts";
import { createLocalCodeHost } from "../../../shared/adapters/local/code-host.ts";
import { processIdentity } from "../../../shared/adapters/local/process-identity.ts";
import { runBuild } from "./build.ts";

// Terraform writes its state, which holds secrets, as its umask says: for nobody but the owner, in the working copy and beside it.
process.umask(0o077);

const order = JSON.parse(await text(process.stdin)) as BuildOrder;
const { folder, settings, spec } = order;

const cancelled = new AbortController();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => cancelled.abort(new Error("The build was cancelled.")));
}

const identity = await processIdentity(process.pid);
if (identity === undefined) throw new Error("This process cannot find itself.");
const fence: BuildFence = { process: identity, startedAt: new Date().toISOString() };
if (await createOnce(join(folder, BUILD_FILES.fence), JSON.stringify(fence))) {
  const result = await runBuild(order, {
    codeHost: createLocalCodeHost({ root: settings.repositories, path: settings.path }),
    blobs: createBlobs(settings.blobs),
    stop: AbortSignal.any([cancelled.signal, AbortSignal.timeout(spec.timeLimitMs)]),
    elapsedMs: () => performance.now(),
  });
  const finished = { result, finishedAt: new Date().toISOString() };
  await createOnce(join(folder, BUILD_FILES.result), JSON.stringify(finished));
} else {
  process.exitCode = DUPLICATE_EXIT_CODE;
}
