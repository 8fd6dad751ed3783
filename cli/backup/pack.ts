// A backup as one file: a tar archive, made and opened by the system's `tar`.
import { execFile } from "node:child_process";
import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { CommandError, EXIT } from "../exit.ts";
import { digestOf } from "./copy-tree.ts";

/** How long packing or unpacking may take. */
const TAR_TIMEOUT_MS = 3_600_000;

async function tar(...args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)("tar", args, { timeout: TAR_TIMEOUT_MS });
  } catch (cause) {
    const { code, stderr = "" } = cause as { readonly code?: unknown; readonly stderr?: string };
    const why =
      code === "ENOENT"
        ? "there is no tar on PATH: back up to a folder instead"
        : stderr.trim().slice(0, 500);
    throw new CommandError(EXIT.refused, `tar failed: ${why}`, cause);
  }
}

/** Packs a folder into one file that only its owner can read; the file is there whole or not at all. */
export async function packFolder(folder: string, target: string): Promise<void> {
  const partial = `${target}.${process.pid}.partial.tar`;
  try {
    // Made before tar writes into it, so that nobody else can ever read it.
    await writeFile(partial, "", { mode: 0o600, flag: "wx" });
    await tar("-C", folder, "-cf", partial, ".");
    await chmod(partial, 0o600);
    await digestOf(partial);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Unpacks into an empty folder. What comes out is looked at afterwards, before any of it is used. */
export async function unpackFile(file: string, folder: string): Promise<void> {
  await tar("-C", folder, "--no-same-owner", "-xf", file);
}
