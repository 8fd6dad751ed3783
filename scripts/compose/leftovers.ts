// Processes that a state folder knows of: model servers and builds outlive a control plane that was killed.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { readJsonFile } from "../../shared/adapters/local/builds-folder.ts";
import {
  isRunning,
  type ProcessIdentity,
  signalProcess,
} from "../../shared/adapters/local/process-identity.ts";

/** How long a process that was killed may take to be gone. */
const END_TIMEOUT_MS = 5_000;
/** Between two looks at it. */
const POLL_MS = 20;

async function entries(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}

/** Processes of model servers by backend, as their records say; running or not. */
export async function serverProcesses(state: string): Promise<ReadonlyMap<string, ProcessIdentity>> {
  const found = new Map<string, ProcessIdentity>();
  for (const file of await entries(join(state, "backends"))) {
    if (!file.endsWith(".json")) continue;
    const record = await readJsonFile<{ launch?: { process: ProcessIdentity | null } | null }>(
      join(state, "backends", file),
    );
    const server = record?.launch?.process;
    if (server !== undefined && server !== null) found.set(file.slice(0, -".json".length), server);
  }
  return found;
}

/** Processes of a build: the program, and its Terraform while that runs. */
export async function buildProcesses(state: string, build: string): Promise<readonly ProcessIdentity[]> {
  const folder = join(state, "builds", build);
  const fence = await readJsonFile<{ process: ProcessIdentity }>(join(folder, "fence.json"));
  const terraform = await readJsonFile<ProcessIdentity | null>(join(folder, "terraform.json"));
  return [fence?.process, terraform].filter((each) => each !== undefined && each !== null);
}

/** Every process that the folder knows of and that runs. */
export async function runningProcesses(state: string): Promise<readonly ProcessIdentity[]> {
  const known = [...(await serverProcesses(state)).values()];
  for (const build of await entries(join(state, "builds")))
    known.push(...(await buildProcesses(state, build)));
  const running = await Promise.all(known.map(isRunning));
  return known.filter((_, index) => running[index] === true);
}

/** Ends all of them, and waits until they are gone. */
export async function endLeftovers(state: string): Promise<void> {
  const left = await runningProcesses(state);
  for (const identity of left) await signalProcess(identity, "SIGKILL", "group");
  for (const end = performance.now() + END_TIMEOUT_MS; performance.now() < end; await wait(POLL_MS)) {
    const running = await Promise.all(left.map(isRunning));
    if (!running.includes(true)) return;
  }
}
