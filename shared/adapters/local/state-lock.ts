// One process per state folder. The system's own file lock decides, so that a killed process never leaves a stuck lock;
// the file `lock` beside it only says who holds it.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ControlPlaneError, failedPrecondition } from "../../domain/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import { replaceDurably } from "./durable-file.ts";
import { fileUnavailable } from "./file-errors.ts";
import { isRunning, processIdentity } from "./process-identity.ts";

/** SQLite holds a POSIX lock on this file; nothing is ever written to it. Never open it otherwise: closing it would drop the lock. */
const GUARD_FILE = "lock.guard";
const LOCK_FILE = "lock";
/** SQLITE_BUSY. */
const BUSY = 5;

/** Who holds a state folder. */
export interface StateHolder {
  readonly pid: number;
  /** What tells this process from a later one with the same pid. */
  readonly started: string;
  /** RFC 3339: when it took the folder. */
  readonly since: string;
  /** Where it answers, once it does. */
  readonly url?: string;
}

/** A held state folder. */
export interface StateLock {
  readonly holder: StateHolder;
  /** Says where the holder answers. */
  setUrl(url: string): Promise<void>;
  release(): Promise<void>;
}

/** The holder as its file says, if that process still runs. */
export async function readStateHolder(folder: string): Promise<StateHolder | undefined> {
  let holder: Partial<StateHolder>;
  try {
    const value = JSON.parse(await readFile(join(folder, LOCK_FILE), "utf8")) as Partial<StateHolder> | null;
    holder = value ?? {};
  } catch {
    // Absent, or of another program: either way nobody is named.
    return undefined;
  }
  const { pid, started, since } = holder;
  if (typeof pid !== "number" || typeof started !== "string" || typeof since !== "string") return undefined;
  return (await isRunning({ pid, started })) ? (holder as StateHolder) : undefined;
}

function held(folder: string, holder: StateHolder | undefined): ControlPlaneError {
  const who =
    holder === undefined
      ? "a process that is just starting or stopping"
      : `process ${holder.pid} since ${holder.since}${holder.url === undefined ? "" : `, which answers at ${holder.url}`}`;
  const stop = holder === undefined ? "wait a moment" : `stop it (kill ${holder.pid})`;
  return failedPrecondition(
    "STATE_HELD",
    `The state folder ${folder} is held by ${who}. Use that one, ${stop}, or choose another folder with --state.`,
    {
      folder,
      ...(holder === undefined ? {} : { pid: String(holder.pid), since: holder.since }),
      ...(holder?.url === undefined ? {} : { url: holder.url }),
    },
  );
}

/** Takes the system's lock, or answers undefined when another process (or another part of this one) has it. */
function takeGuard(folder: string): DatabaseSync | undefined {
  const path = join(folder, GUARD_FILE);
  let guard: DatabaseSync | undefined;
  try {
    guard = new DatabaseSync(path, { timeout: 0 });
    guard.exec("BEGIN EXCLUSIVE");
    return guard;
  } catch (error) {
    if (guard?.isOpen === true) guard.close();
    if (error instanceof Error && "errcode" in error && Number(error.errcode) % 256 === BUSY)
      return undefined;
    throw new ControlPlaneError(
      "UNAVAILABLE",
      `${path} cannot be locked (${error instanceof Error ? error.message : String(error)}). Check that the folder exists and is writable.`,
      {
        reason: "FILE_UNAVAILABLE",
        metadata: { path },
        cause: error,
      },
    );
  }
}

/** Holds the folder until `release` or the end of this process. Throws FAILED_PRECONDITION `STATE_HELD` that says who has it. */
export async function lockState(folder: string, clock: Clock): Promise<StateLock> {
  const guard = takeGuard(folder);
  if (guard === undefined) throw held(folder, await readStateHolder(folder));
  const path = join(folder, LOCK_FILE);
  let holder: StateHolder = {
    pid: process.pid,
    started: (await processIdentity(process.pid))?.started ?? "",
    since: clock.now().toISOString(),
  };
  const write = (): Promise<void> =>
    replaceDurably(path, `${JSON.stringify(holder, undefined, 2)}\n`).catch((error: unknown) => {
      throw fileUnavailable(path, error);
    });
  try {
    await write();
  } catch (error) {
    guard.close();
    throw error;
  }
  return {
    get holder() {
      return holder;
    },
    async setUrl(url) {
      holder = { ...holder, url };
      await write();
    },
    async release() {
      if (!guard.isOpen) return;
      await rm(path, { force: true });
      guard.close();
    },
  };
}
