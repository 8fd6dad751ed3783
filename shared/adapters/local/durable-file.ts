// Whole files, there or not there: a crash leaves the old content or the new, never half of it.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

let drafts = 0;

/** Makes the names in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const draftOf = (path: string): string => {
  drafts += 1;
  return `${path}.${process.pid}.${drafts}.draft`;
};

/** Replaces or creates a file as a whole: draft beside it, fsync, rename, fsync of the folder. */
export async function replaceDurably(
  path: string,
  content: string | Uint8Array,
  mode = 0o600,
): Promise<void> {
  const draft = draftOf(path);
  const file = await open(draft, "wx", mode);
  try {
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

function syncAndClose(file: number): void {
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * The same in one step, for small files whose writer must not queue: the eight calls of `replaceDurably` wait for a thread and
 * for a turn of the event loop each. It holds the event loop for two syncs, as a commit of the ledger does for one.
 */
export function replaceDurablyNow(path: string, content: string, mode = 0o600): void {
  const draft = draftOf(path);
  const file = openSync(draft, "wx", mode);
  try {
    try {
      writeFileSync(file, content);
    } finally {
      syncAndClose(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncAndClose(openSync(dirname(path), "r"));
}
