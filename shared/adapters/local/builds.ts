// Builds as detached processes of this machine. A build belongs to whoever took the fence in its folder, which the build program
// itself does: whatever starts it a second time ends before Terraform runs. A restart of ours finds builds by their folders.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BUILD_FAILURES } from "../../domain/build-failure.ts";
import { ControlPlaneError } from "../../domain/errors.ts";
import type { BuildResult, BuildSpec, Builds, BuildStatus } from "../../ports/builds.ts";
import type { Clock } from "../../ports/clock.ts";
import {
  BUILD_FILES,
  type BuildFence,
  buildFolder,
  type BuildOrder,
  type BuildSettings,
  createOnce,
  DUPLICATE_EXIT_CODE,
  readJsonFile,
  replaceJson,
} from "./builds-folder.ts";
import { isRunning, type ProcessIdentity, signalProcess } from "./process-identity.ts";

/** How long a build program may take to take its fence. */
export const START_TIMEOUT_MS = 30_000;
/** Between two looks whether it has. */
const START_POLL_MS = 10;
/** What a cancelled build has beyond its grace time before it is killed. */
export const CANCEL_MARGIN_MS = 5_000;

/** What the adapter is made of. */
export interface LocalBuildsOptions {
  /** Folder with one folder a build. */
  readonly folder: string;
  /** The build program: the path of Node, its options, and the file. */
  readonly program: readonly [string, ...string[]];
  readonly settings: BuildSettings;
  readonly clock: Clock;
}

interface Finished {
  readonly result: BuildResult;
  readonly finishedAt: string;
}

/** Starts the program detached, gives it its order, and forgets it. Resolves to its exit code, should it end while we live. */
function launch(options: LocalBuildsOptions, order: BuildOrder): { readonly exit: Promise<number> } {
  const [command, ...args] = options.program;
  const output = openSync(join(order.folder, BUILD_FILES.program), "a", 0o600);
  const child = spawn(command, args, {
    cwd: order.folder,
    detached: true,
    // Nothing of ours: secrets go through standard input only.
    env: { PATH: options.settings.path, HOME: order.folder, LC_ALL: "C.UTF-8" },
    stdio: ["pipe", output, output],
  });
  closeSync(output);
  const exit = new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
  // A program that ends early closes its input; its exit code says the rest.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(JSON.stringify(order));
  child.unref();
  return { exit };
}

/** Starts the program and waits until somebody has the fence. */
async function startOnce(options: LocalBuildsOptions, id: string, spec: BuildSpec): Promise<void> {
  const folder = buildFolder(options.folder, id);
  const hasFence = async (): Promise<boolean> =>
    (await readJsonFile(join(folder, BUILD_FILES.fence))) !== undefined;
  if (await hasFence()) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  await createOnce(join(folder, BUILD_FILES.spec), JSON.stringify(spec));
  // The first specification stands, should the process that wrote it have died before it could start the build.
  const first = (await readJsonFile<BuildSpec>(join(folder, BUILD_FILES.spec))) ?? spec;
  const started = launch(options, { folder, spec: first, settings: options.settings });
  let ended: number | undefined;
  let failure: unknown;
  started.exit.then(
    (code) => {
      ended = code;
    },
    (error: unknown) => {
      ended = 1;
      failure = error;
    },
  );
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += START_POLL_MS) {
    if (await hasFence()) return;
    if (ended !== undefined && ended !== 0 && ended !== DUPLICATE_EXIT_CODE) break;
    await options.clock.sleep(START_POLL_MS);
  }
  const message = `The build program for ${id} did not start (${ended === undefined ? "no answer" : `exit ${ended}`}); see ${join(folder, BUILD_FILES.program)}.`;
  throw new ControlPlaneError("UNAVAILABLE", message, { reason: "BUILD_NOT_STARTED", cause: failure });
}

/** What a build that vanished leaves behind: its Terraform is stopped, its working copy removed, and its end written down. */
async function settle(options: LocalBuildsOptions, folder: string, fence: BuildFence): Promise<BuildStatus> {
  const terraform = await readJsonFile<ProcessIdentity | null>(join(folder, BUILD_FILES.terraform));
  if (terraform !== undefined && terraform !== null && (await isRunning(terraform))) {
    // Terraform goes on without the program that watches it: ask once, kill after the grace time.
    const asked = await readJsonFile<{ at: string }>(join(folder, BUILD_FILES.cancel));
    const now = options.clock.now();
    const late = asked !== undefined && now.getTime() - Date.parse(asked.at) > options.settings.graceMs;
    await signalProcess(terraform, late ? "SIGKILL" : "SIGTERM", "group");
    if (asked === undefined) await replaceJson(join(folder, BUILD_FILES.cancel), { at: now.toISOString() });
    return { state: "running", startedAt: fence.startedAt };
  }
  const changing = (await readJsonFile<readonly string[]>(join(folder, BUILD_FILES.changing))) ?? [];
  const result: BuildResult = {
    state: "failed",
    reason: "INTERRUPTED",
    message: "The build ended without a result: its process was killed, or the machine went down.",
    nextStep: BUILD_FAILURES.INTERRUPTED.nextStep,
    resources: changing,
    problems: [],
  };
  await rm(join(folder, BUILD_FILES.work), { recursive: true, force: true });
  const finished: Finished = { result, finishedAt: options.clock.now().toISOString() };
  await createOnce(join(folder, BUILD_FILES.result), JSON.stringify(finished));
  // Had the program written its own result after all, then that one stands.
  const written = await readJsonFile<Finished>(join(folder, BUILD_FILES.result));
  return { state: "done", ...(written ?? finished) };
}

async function statusOf(options: LocalBuildsOptions, id: string): Promise<BuildStatus> {
  const folder = buildFolder(options.folder, id);
  const fence = await readJsonFile<BuildFence>(join(folder, BUILD_FILES.fence));
  if (fence === undefined) return { state: "unknown" };
  const running = await isRunning(fence.process);
  const finished = await readJsonFile<Finished>(join(folder, BUILD_FILES.result));
  if (finished !== undefined) return { state: "done", ...finished };
  if (!running) return settle(options, folder, fence);
  const asked = await readJsonFile<{ at: string }>(join(folder, BUILD_FILES.cancel));
  const patienceMs = options.settings.graceMs + CANCEL_MARGIN_MS;
  if (asked !== undefined && options.clock.now().getTime() - Date.parse(asked.at) > patienceMs) {
    await signalProcess(fence.process, "SIGKILL", "group");
  }
  return { state: "running", startedAt: fence.startedAt };
}

/** Runs builds as child processes that outlive us. */
export function createLocalBuilds(options: LocalBuildsOptions): Builds {
  const starting = new Map<string, Promise<void>>();
  return {
    start(id, spec) {
      const known = starting.get(id);
      if (known !== undefined) return known;
      const start = startOnce(options, id, spec).finally(() => starting.delete(id));
      starting.set(id, start);
      return start;
    },
    status: (id) => statusOf(options, id),
    async logs(id, offset) {
      const { state } = await statusOf(options, id);
      const path = join(buildFolder(options.folder, id), BUILD_FILES.log);
      const text = await readFile(path, "utf8").catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
        throw error;
      });
      const from = Math.max(0, Math.min(offset, text.length));
      return { text: text.slice(from), next: text.length, complete: state === "done" };
    },
    async cancel(id) {
      const folder = buildFolder(options.folder, id);
      const fence = await readJsonFile<BuildFence>(join(folder, BUILD_FILES.fence));
      if (fence === undefined || (await readJsonFile(join(folder, BUILD_FILES.result))) !== undefined) return;
      await createOnce(
        join(folder, BUILD_FILES.cancel),
        JSON.stringify({ at: options.clock.now().toISOString() }),
      );
      await signalProcess(fence.process, "SIGTERM", "process");
    },
  };
}
