// Copies folders of a state that goes on changing: files appear, are replaced as a whole and vanish while we look.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, lstat, mkdir, open, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CommandError, EXIT } from "../exit.ts";
import type { BackupFile } from "./manifest.ts";

const OWNER_EXECUTES = 0o100;
/** Bytes that are read at a time. */
const CHUNK_BYTES = 1_048_576;
/** Looks at a folder until two of them find the same. */
const LOOKS_MAX = 10;
/** Files that somebody is about to put in place: their names are made by our own writers. */
const DRAFT = /\.(?:draft|new|tmp)$|(?:^|\/)\.[^/]+\.\d+\.\d+$|(?:^|\/)tmp_obj_|\.lock$/;

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** Paths of the files below a folder, from `root`, in byte order; none when it is not there. Symlinks are refused. */
export async function filesBelow(root: string, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  const open = [folder];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    });
    for (const entry of entries) {
      const name = `${path}/${entry.name}`;
      if (entry.isDirectory()) open.push(name);
      else if (entry.isFile()) found.push(name);
      else if (entry.isSymbolicLink())
        throw new CommandError(
          EXIT.refused,
          `${join(root, name)} is a symlink: put the file itself there, then back up again.`,
        );
    }
  }
  return found.toSorted();
}

/** Size, mode and SHA-256 of a file, which is on the disk when this resolves. */
export async function digestOf(path: string): Promise<Omit<BackupFile, "path">> {
  const file = await open(path);
  try {
    const hash = createHash("sha256");
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
      bytes += bytesRead;
    }
    await file.sync();
    const executable = ((await file.stat()).mode & OWNER_EXECUTES) !== 0;
    return { bytes, sha256: hash.digest("hex"), ...(executable ? { executable } : {}) };
  } finally {
    await file.close();
  }
}

/** Copies one file for its owner alone; false when it has vanished. */
export async function copyOne(from: string, to: string): Promise<boolean> {
  try {
    const { mode } = await lstat(from);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await chmod(to, (mode & OWNER_EXECUTES) === 0 ? 0o600 : 0o700);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** What to copy. */
export interface CopyOptions {
  readonly from: string;
  readonly to: string;
  readonly folder: string;
  /** Which of its files; default: all. */
  readonly wanted?: (path: string) => boolean;
  /** In which order; files with a smaller number first. */
  readonly rank?: (path: string) => number;
}

/**
 * Copies a folder. It is looked at until a look finds nothing new and nothing gone: what was moved from one place to another in
 * between (Git packs its objects) is found at its new one.
 */
export async function copyFolder({
  from,
  to,
  folder,
  wanted = () => true,
  rank = () => 0,
}: CopyOptions): Promise<void> {
  const copied = new Set<string>();
  for (let look = 1; look <= LOOKS_MAX; look++) {
    let changed = false;
    const files = (await filesBelow(from, folder)).filter((path) => wanted(path) && !DRAFT.test(path));
    for (const path of files.toSorted((one, other) => rank(one) - rank(other))) {
      if (copied.has(path)) continue;
      changed = true;
      if (await copyOne(join(from, path), join(to, path))) copied.add(path);
    }
    if (!changed) return;
  }
  throw new CommandError(
    EXIT.refused,
    `${join(from, folder)} changes faster than it can be copied: back up again when less happens.`,
  );
}
