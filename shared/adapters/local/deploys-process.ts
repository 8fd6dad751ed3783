// Model servers as detached processes. A launch is a number with a claim file; whoever creates that file first decides:
// the process itself, which then runs, or a restart of ours, after which it never will. So no launch runs twice.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { copyFile, open, readFile, stat, truncate } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { createRedact } from "../../domain/redact.ts";
import type { Clock } from "../../ports/clock.ts";
import { fileErrorCode } from "./file-errors.ts";
import {
  isRunning,
  PRINT_IDENTITY,
  printedIdentity,
  signalProcess,
  type ProcessIdentity,
} from "./process-identity.ts";

/** How long a process may take from taking its claim to writing down who it is. */
export const CLAIM_TIMEOUT_MS = 2_000;
/** Between two looks whether a started model server has written its claim. */
const CLAIM_POLL_MS = 10;
/** How often a process that is not our child is looked at. */
const ADOPTED_POLL_MS = 250;
/** How often a process that is to end is looked at. */
const END_POLL_MS = 20;
/** Bytes of a backend's log before it is turned over; one older log is kept. */
export const LOG_BYTES_MAX = 1024 * 1024;
/** Characters of a log's end that an error quotes. */
const LOG_TAIL_CHARACTERS = 300;

/** The shell claims the launch (`set -C` creates exclusively) and becomes the command; no word of the command is interpreted. */
const LAUNCHER = `set -C; { ${PRINT_IDENTITY}; } > "$1" || exit 75; shift; exec "$@"`;

/** A model server that runs, and a promise of its end. */
export interface Running {
  readonly process: ProcessIdentity;
  readonly ended: Promise<void>;
}

/** What a launch needs. */
export interface LaunchOrder {
  readonly claim: string;
  readonly command: readonly string[];
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: string;
}

/** A port that is free now. Should another program take it first, the server ends and the next launch takes another. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function readClaim(claim: string, clock: Clock): Promise<ProcessIdentity | undefined> {
  for (let waitedMs = 0; waitedMs < CLAIM_TIMEOUT_MS; waitedMs += CLAIM_POLL_MS) {
    const text = await readFile(claim, "utf8").catch(() => "");
    const identity = await printedIdentity(text);
    if (identity !== undefined) return identity;
    await clock.sleep(CLAIM_POLL_MS);
  }
  return undefined;
}

/** Who this launch is, if it ever ran; else makes sure that it never will. The process may have ended since. */
export async function settleLaunch(claim: string, clock: Clock): Promise<ProcessIdentity | undefined> {
  try {
    const fence = await open(claim, "wx", 0o600);
    await fence.close();
    return undefined;
  } catch (error) {
    if (fileErrorCode(error) !== "EEXIST") throw error;
    return readClaim(claim, clock);
  }
}

/** A process that may not be our child: its end is seen by looking. */
export function watchProcess(process: ProcessIdentity, clock: Clock, signal: AbortSignal): Running {
  const watch = async (): Promise<void> => {
    while (!signal.aborted && (await isRunning(process))) await clock.sleep(ADOPTED_POLL_MS, signal);
  };
  return { process, ended: watch() };
}

/** Starts the command detached, so that it outlives us; answers undefined when it ended before it could be identified. */
export async function launch(order: LaunchOrder, clock: Clock): Promise<Running | undefined> {
  const log = openSync(order.log, "a", 0o600);
  const child = spawn("/bin/sh", ["-c", LAUNCHER, "sh", order.claim, ...order.command], {
    cwd: order.folder,
    env: { ...order.environment },
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  const { pid } = child;
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => {
      endGroup(pid);
      resolve();
    });
  });
  child.unref();
  const identified = await Promise.race([readClaim(order.claim, clock), ended.then(() => undefined)]);
  return identified === undefined ? undefined : { process: identified, ended };
}

/** Ends what a server that has ended left in its process group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // EPERM: on macOS all that is left of the group has ended too.
    if (!["ESRCH", "EPERM"].includes(fileErrorCode(error) ?? "")) throw error;
  }
}

/** SIGTERM to the process group, SIGKILL after the grace time; resolves when the process has ended. */
export async function endProcess(process: ProcessIdentity, graceMs: number, clock: Clock): Promise<void> {
  await signalProcess(process, "SIGTERM", "group");
  for (let waitedMs = 0; await isRunning(process); waitedMs += END_POLL_MS) {
    if (waitedMs >= graceMs) await signalProcess(process, "SIGKILL", "group");
    await clock.sleep(END_POLL_MS);
  }
}

/** Turns a log over that has grown too long. The server goes on writing to the same file, from its start. */
export async function boundLog(log: string): Promise<void> {
  const size = await stat(log).then(
    (file) => file.size,
    () => 0,
  );
  if (size <= LOG_BYTES_MAX) return;
  await copyFile(log, `${log}.1`);
  await truncate(log, 0);
}

const redact = createRedact([]);

/** The end of a log, for an error's message, which is kept and shown: without escapes and tokens. Empty when there is none. */
export async function logTail(log: string): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  // Looked through before it is cut: half of a token has no known form.
  return redact(text).slice(-LOG_TAIL_CHARACTERS).trim();
}
