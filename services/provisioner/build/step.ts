// The build program where no folder is shared: as a step of the build service, with objects between it and whoever watches. It takes
// the fence, works in a folder of its own, copies log and progress out while it works, and writes the result last.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  BUILD_FILES,
  type BuildSettings,
  DUPLICATE_EXIT_CODE,
} from "../../../shared/adapters/local/builds-folder.ts";
import { BUILD_FAILURES } from "../../../shared/domain/build-failure.ts";
import type { Blobs } from "../../../shared/ports/blobs.ts";
import {
  type BuildObjects,
  type BuildOrderObject,
  buildObject,
  type FenceObject,
  type FinishedObject,
  type SourceObject,
} from "../../../shared/ports/build-objects.ts";
import type { BuildResult } from "../../../shared/ports/builds.ts";
import type { Clock } from "../../../shared/ports/clock.ts";
import { runBuild } from "./build.ts";
import { jsonBytes, persistentObjects, readJson } from "./persistent.ts";
import { createHandedSource } from "./source.ts";

/** Between two looks at the log, the progress and whether somebody wants the build to stop. */
export const STEP_MIRROR_MS = 3_000;
/** What a step is handed. */
export interface StepPorts {
  /** Our id of the build. */
  readonly id: string;
  /** The build service's id of the build that this step is in. */
  readonly build: string;
  readonly objects: BuildObjects;
  readonly blobs: Blobs;
  readonly clock: Clock;
  /** Without the key of plan digests: that comes with the order. */
  readonly settings: Omit<BuildSettings, "planKey" | "repositories">;
  /** An empty folder of this step alone. */
  readonly folder: string;
  /** Aborts when the build service stops the step. */
  readonly stop: AbortSignal;
  readonly elapsedMs: () => number;
  /** Default: STEP_MIRROR_MS. */
  readonly mirrorMs?: number;
}

/** Whether this build is the one that does the work: it has the fence, and nobody has ended the build. */
async function takeFence({ id, build, clock }: StepPorts, objects: BuildObjects): Promise<boolean> {
  const fence: FenceObject = { build, startedAt: clock.now().toISOString() };
  if (!(await objects.create(buildObject(id, "fence"), jsonBytes(fence)))) {
    // It may be our own, whose reply was lost.
    const known = await readJson<FenceObject>(objects, buildObject(id, "fence"));
    if (known?.build !== build) return false;
  }
  return (await objects.read(buildObject(id, "result"))) === undefined;
}

/** Copies a file of the folder to an object when it has changed. */
function mirror(objects: BuildObjects, file: string, name: string): () => Promise<void> {
  let copied: Buffer | undefined;
  return async () => {
    const bytes = await readFile(file).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
    if (bytes === undefined || copied?.equals(bytes)) return;
    await objects.replace(name, bytes);
    copied = bytes;
  };
}

const CANCELLED_EARLY: BuildResult = {
  state: "failed",
  reason: "CANCELLED",
  message: "The build was cancelled before it began.",
  nextStep: BUILD_FAILURES.CANCELLED.nextStep,
  resources: [],
  problems: [],
};

/** Does the work, and keeps whoever watches up to date. */
async function work(
  ports: StepPorts,
  objects: BuildObjects,
  { spec, planKey }: BuildOrderObject,
): Promise<BuildResult> {
  const { id, folder, blobs, clock, elapsedMs, mirrorMs = STEP_MIRROR_MS } = ports;
  const source = await readJson<SourceObject>(objects, buildObject(id, "source"));
  if (source === undefined) throw new Error(`There are no files for the build ${id}.`);
  const settings: BuildSettings = { ...ports.settings, repositories: "", planKey };
  const codeHost = createHandedSource(source);
  const cancelled = new AbortController();
  const over = new AbortController();
  const copies = [
    mirror(objects, join(folder, BUILD_FILES.changing), buildObject(id, "changing")),
    mirror(objects, join(folder, BUILD_FILES.log), buildObject(id, "log")),
  ];
  const copy = async (): Promise<void> => {
    for (const each of copies) await each();
  };
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // A copy that fails is made again in the next round: it must not end an apply that goes well.
      await copy().catch((error: unknown) => process.stderr.write(`Copying failed: ${String(error)}\n`));
      const wanted = await objects.read(buildObject(id, "cancel")).catch(() => undefined);
      if (wanted !== undefined) cancelled.abort(new Error("The build was cancelled."));
      await clock.sleep(mirrorMs, over.signal);
    }
  };
  const watching = watch();
  try {
    const stop = AbortSignal.any([ports.stop, cancelled.signal, AbortSignal.timeout(spec.timeLimitMs)]);
    return await runBuild({ folder, spec, settings }, { codeHost, blobs, stop, elapsedMs });
  } finally {
    over.abort();
    await watching;
    // The log is whole before the result says that it is.
    await copy().catch((error: unknown) =>
      process.stderr.write(`The log was not copied: ${String(error)}\n`),
    );
  }
}

/** Runs the step; answers its exit code: 0 a result is written, also that of a failure, 75 another build does the work. */
export async function runStep(ports: StepPorts): Promise<number> {
  const { id, clock, folder } = ports;
  const objects = persistentObjects(ports.objects, clock);
  const order = await readJson<BuildOrderObject>(objects, buildObject(id, "order"));
  if (order === undefined) throw new Error(`There is no order for the build ${id}.`);
  if (!(await takeFence(ports, objects))) return DUPLICATE_EXIT_CODE;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const cancelled = (await objects.read(buildObject(id, "cancel"))) !== undefined;
  const result = cancelled ? CANCELLED_EARLY : await work(ports, objects, order);
  const finished: FinishedObject = { result, finishedAt: clock.now().toISOString() };
  await objects.create(buildObject(id, "result"), jsonBytes(finished));
  return 0;
}
